"""Model families, from simple to complex: one file each, found by name through `trimtab.plugins`."""
