"""The callback channel: callbacks are asked for, put into the queue when they are due, and dialled by the trunks."""
