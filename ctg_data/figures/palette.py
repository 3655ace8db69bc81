"""Couleurs de l'outil : chacune a un sens (voir docs/conception : marques)."""

ENCRE = "#14213D"
SECOND = "#4A5568"
FILET = "#D5DAE3"
FOND = "#FFFFFF"
ACCENT = "#C2410C"
RUBAN = "#9A3412"
LIEN = "#1D4E89"
NEUTRE = "#8A94A6"
CONTEXTE = "#D9E4F2"
CERCLE = "#14213D"

MODES = {"eaje": "#E69F00", "am": "#56B4E9", "ecole": "#009E73", "domicile": "#CC79A7"}
NOMS_MODES = {
    "eaje": "EAJE",
    "am": "Assistantes mat.",
    "ecole": "École à 2 ans",
    "domicile": "Domicile",
}

# Rampes sûres pour les daltoniens (ColorBrewer), de la plus claire à la plus foncée.
RAMPES = {
    "couverture": ("#FFFFCC", "#C7E9B4", "#7FCDBB", "#41B6C4", "#2C7FB8", "#253494"),
    "besoin": ("#FFFFD4", "#FEE391", "#FEC44F", "#FE9929", "#D95F0E", "#993404"),
    "divergente": ("#542788", "#998EC3", "#D8DAEB", "#FEE0B6", "#F1A340", "#B35806"),
}

POLICE = '"Source Sans", "Source Sans 3", "Segoe UI", Arial, sans-serif'
