"""Devices of other makers on MQTT, ours on Wi-Fi, and what tools of others see of ours."""
