"""Porter les commandes de « python -m ctg_data », une par module."""
