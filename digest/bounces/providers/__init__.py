"""Events that providers report to a web address: bounces, rejections, complaints.

receiving   an address for each mail server; check the signature, record what is about our mail
signatures  those of Amazon SNS and Svix, which anymail leaves open
meaning     what an event means, as a finding
history     ask a provider for the events that a webhook may have lost
"""
