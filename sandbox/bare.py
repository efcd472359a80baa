"""The smallest PBX that carries a call: one trunk, seats, and `Dial`. No queue, no service: what others are held against.

The hotline's own configuration is rendered by `config/render.py`. This one proves that the sandbox itself works, and
is the `Dial` side of the benches. A dialled number of four digits rings at that seat, one of three at the centre.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.places import Folders, Ports

AMI_SECRET = "sandbox"  # noqa: S105 - on loopback, for tests

_MODULES = """\
res_sorcery_config res_sorcery_memory res_sorcery_astdb res_pjproject res_timing_timerfd res_rtp_asterisk
res_pjsip res_pjsip_authenticator_digest res_pjsip_endpoint_identifier_ip res_pjsip_endpoint_identifier_user
res_pjsip_session res_pjsip_pubsub res_pjsip_sdp_rtp res_pjsip_registrar res_pjsip_caller_id res_pjsip_rfc3326
chan_pjsip codec_alaw codec_ulaw bridge_simple bridge_native_rtp pbx_config app_dial func_callerid func_channel
"""

_ASTERISK = """\
[directories]
astetcdir => {f.etc}
astmoddir => {f.moddir}
astvarlibdir => {f.varlib}
astdbdir => {f.db}
astkeydir => {f.varlib}
astdatadir => {f.data}
astagidir => {f.varlib}
astspooldir => {f.spool}
astrundir => {f.run}
astlogdir => {f.log}

[options]
verbose = 3
"""

_MANAGER = """\
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {p.ami}
timestampevents = yes

[hotline]
secret = {secret}
read = system,call,agent,user,reporting
write = system,call,agent,originate,reporting
"""

_PJSIP = """\
[global]
type = global
endpoint_identifier_order = ip,username
[loopback]
type = transport
protocol = udp
bind = 127.0.0.1:{p.sip}

[carrier]
type = endpoint
context = bare
disallow = all
allow = alaw,ulaw
direct_media = no
allow_transfer = no
[carrier]
type = identify
endpoint = carrier
match = 127.0.0.2

[centre]
type = endpoint
context = bare
aors = centre
disallow = all
allow = alaw,ulaw
direct_media = no
[centre]
type = aor
contact = sip:127.0.0.3:{p.far}
"""

_SEAT = """
[{seat}]
type = endpoint
context = bare
aors = {seat}
auth = {seat}
disallow = all
allow = alaw,ulaw
direct_media = no
allow_transfer = no
rtp_timeout = {rtp_timeout_s}
device_state_busy_at = 1
[{seat}]
type = auth
auth_type = userpass
username = {seat}
password = seat-{seat}
[{seat}]
type = aor
max_contacts = 1
remove_existing = yes
qualify_frequency = 15
qualify_timeout = 2
"""

_EXTENSIONS = """\
[bare]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},30)
 same => n,Hangup()
exten => _1XX,1,Dial(PJSIP/${EXTEN}@centre,30)
 same => n,Hangup()
"""


def configuration(folders: Folders, ports: Ports, seats: Iterable[str], *, rtp_timeout_s: int = 15) -> dict[str, str]:
    """The files of the bare PBX: name -> text, as `Sandbox.start` takes them."""
    phones = "".join(_SEAT.format(seat=seat, rtp_timeout_s=rtp_timeout_s) for seat in seats)
    modules = ["[modules]", "autoload=no", *(f"load={name}.so" for name in _MODULES.split())]
    return {
        "asterisk.conf": _ASTERISK.format(f=folders),
        "modules.conf": "\n".join(modules) + "\n",
        "manager.conf": _MANAGER.format(p=ports, secret=AMI_SECRET),
        "rtp.conf": f"[general]\nrtpstart = {ports.rtp_first}\nrtpend = {ports.rtp_last}\n",
        "logger.conf": "[logfiles]\nmessages = notice,warning,error\n",
        "pjsip.conf": _PJSIP.format(p=ports) + phones,
        "extensions.conf": _EXTENSIONS,
    }
