"""Run by `odoo shell` in the template database: prints the API keys of the people of the tests, as JSON."""

import json
from typing import Any

env: Any = globals()["env"]  # the shell defines it
roles = {
    "millwright": ["base.group_user", "mrp.group_mrp_user"],
    "operator": ["base.group_user", "mrp.group_mrp_user"],
    "manager": [
        "base.group_user",
        "base.group_system",
        "mrp.group_mrp_manager",
        "mrp.group_mrp_routings",
        "product.group_product_manager",
    ],
    "cmms": ["base.group_user", "maintenance.group_equipment_manager"],
    "planner": ["base.group_user", "maintenance.group_equipment_manager"],
    "technician": ["base.group_user", "maintenance.group_equipment_manager"],
}
keys = {}
for login, groups in roles.items():
    user = env["res.users"].create(
        {"name": login, "login": login, "group_ids": [(6, 0, [env.ref(group).id for group in groups])]}
    )
    # A key without an end is made by the administrator only.
    keys[login] = env["res.users.apikeys"].with_user(user).sudo()._generate("rpc", "tests", None)
print(json.dumps(keys))
env.cr.commit()
