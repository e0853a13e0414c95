"""The API's contract, OpenAPI 3.1, made of the code that keeps it.

`operations` is the table of what there is, `schemas` what goes in and out, `document` the document of the whole API and
`model_document` that of one model, with its real columns.
"""
