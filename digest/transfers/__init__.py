"""Coming from elsewhere: a list of subscribers, or the export or the API of another service.

plain_lists       a list of people from any system, whose columns a person can choose
files             an export, of one file or a zip archive, read within limits
subscriber_lists  the lists of people in it, and storing them (`subscribers.importing`)
issues            the past issues in it, one module for each form that services write
past_issues       cleaned, and stored for the public archive; none of them can ever be sent
remote            the same from a service's API: written as an export, then read as one
running           a dry run, or the import, and its report
queue             transfers that wait for a worker: read, begun by a person, then imported
"""
