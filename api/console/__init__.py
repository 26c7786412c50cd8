"""
The console: pages made by the server, whose data are GraphQL documents of their own.

A page is a document, a template and a title, declared in `pages`; a form is made from its
command, so that each command has one from the day it exists.  The console asks through the
same doors as everybody: it may see and do what whoever is signed in may.
"""
