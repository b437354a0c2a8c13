"""How every connector to Odoo speaks: the JSON-2 API of Odoo 19, its records, its errors and its upsert."""
