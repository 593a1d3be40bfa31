"""Changes to many subscribers of a publication at once: previewed, made by a job, undone.

selecting   the subscribers that a filter or ticks select, stored in chunks
actions     what can be done to them: who changes, who does not and why; the change; its undoing
previewing  how many would change, with examples
running     confirm > the job claims chunk after chunk > finish; stop
undoing     the same job takes the changes back, within a limited time
"""
