"""The command line: thin doors that parse, call, show progress and print."""
