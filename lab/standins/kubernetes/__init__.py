"""Stand-in for the plugin `kubernetes`: any object, patches, Helm releases and files of manifests.

Objects go to the API server as they are: it checks them (`fieldValidation=Strict`), in previews by a dry run. The state has the
official plugin's form, so that either can go on where the other stopped. What this one does otherwise, on purpose:

- unknown and badly typed fields are errors (the official one creates such objects with a warning);
- a patch of an object that does not exist is an error (the official one would make a fragment of it);
- a Helm release that an interrupted run left `pending-...` is recovered (the official one stops, pulumi-kubernetes#2054).
"""
