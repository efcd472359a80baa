"""Which of Asterisk's modules the hotline loads, in an order in which each finds what it needs."""

from __future__ import annotations

from typing import Final

MODULES: Final = (
    # what others stand on
    "res_timing_timerfd",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_pjproject",
    "res_speech",  # before res_agi, which does not load without it
    "res_agi",
    "res_rtp_asterisk",
    "res_musiconhold",
    "res_manager_devicestate",
    # sound: A-law first, mu-law for phones abroad, signed linear between them and for tones
    "codec_alaw",
    "codec_ulaw",
    "codec_a_mu",
    "format_pcm",
    "format_wav",
    "bridge_simple",
    "bridge_native_rtp",
    "bridge_softmix",
    "bridge_holding",
    "bridge_builtin_interval_features",  # talks with a limit
    # SIP
    "res_pjsip",
    "res_pjsip_session",
    "res_pjsip_pubsub",
    "res_pjsip_authenticator_digest",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_registrar",
    "res_pjsip_caller_id",
    "res_pjsip_header_funcs",
    "res_pjsip_sdp_rtp",
    "res_pjsip_nat",
    "res_pjsip_acl",
    "res_pjsip_rfc3326",
    "res_pjsip_dtmf_info",
    # lamps: subscriptions of phones, and the two forms that they read
    "res_pjsip_outbound_publish",  # res_pjsip_exten_state does not load without it
    "res_pjsip_exten_state",
    "res_pjsip_pidf_body_generator",
    "res_pjsip_dialog_info_body_generator",
    "chan_pjsip",
    # dialplan
    "pbx_config",
    "app_channelredirect",
    "app_confbridge",
    "app_chanspy",  # a tone in the ear of an agent alone
    "app_dial",
    "app_queue",
    "app_mixmonitor",
    "app_stack",
    "app_exec",
    "app_originate",
    "app_playback",
    "app_playtones",
    "app_read",
    "app_softhangup",
    "app_userevent",
    "func_callerid",
    "func_channel",
    "func_cut",
    "func_db",
    "func_devstate",
    "func_global",
    "func_groupcount",
    "func_lock",
    "func_logic",
    "func_rand",
    "func_strings",
    "func_timeout",
    "func_uri",
    # records
    "cel_custom",
)
CDREL: Final = "res_cdrel_custom"  # cel_custom stands on it where it exists


def modules_for(version: tuple[int, ...]) -> tuple[str, ...]:
    return (CDREL, *MODULES) if _has_cdrel(version) else MODULES


def _has_cdrel(version: tuple[int, ...]) -> bool:
    return version >= (23, 2) or (22, 8) <= version < (23,) or (20, 18) <= version < (21,)


def has_disabled_events(version: tuple[int, ...]) -> bool:
    """`disabledevents` of manager.conf. Source: 16.25, 18.11 and every 19.3 or later."""
    return version >= (19, 3) or (18, 11) <= version < (19,) or (16, 25) <= version < (17,)
