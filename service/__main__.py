"""`python -m service` is `hotline`."""

from service.cli.app import main

main()
