"""Reconnaître la ligne d'exemple d'un gabarit : elle montre quoi écrire, elle n'est pas une donnée.

La lecture et l'écriture des gabarits partagent ces repères ; rien d'autre ne les connaît.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctg_data.anomalies import Anomalie
from ctg_data.conversion import LECTEURS
from ctg_data.schema import Colonne, Schema

if TYPE_CHECKING:
    from ctg_data.lecture import Tableau

FEUILLE_SAISIE = "Saisie"
FEUILLE_AIDE = "Mode d'emploi"
MARQUE = "Ligne d'exemple, à remplacer par les vôtres"
_STATUT, _EXEMPLE = "statut", "exemple"


def colonne_marquee(schema: Schema) -> str:
    """Nommer la colonne où la ligne d'exemple se dit telle : la source, sinon un texte libre."""
    libres = [
        c.nom
        for c in schema.colonnes
        if c.type == "string" and not (c.valeurs or c.motif or c.nom in schema.cle)
    ]
    return "source" if "source" in libres else libres[0]


def textes_exemple(schema: Schema) -> dict[str, str]:
    """Rendre les textes de la ligne d'exemple d'une table, par colonne."""
    textes = {c.nom: c.exemple for c in schema.colonnes}
    if _STATUT in textes:
        textes[_STATUT] = _EXEMPLE
    return {**textes, colonne_marquee(schema): MARQUE}


def sans_exemple(
    tableau: Tableau, schema: Schema, rangs: dict[str, int]
) -> tuple[Tableau, list[Anomalie]]:
    """Ôter la ligne d'exemple laissée telle quelle ; refuser celle qui ne l'est plus qu'à moitié.

    `rangs` : rang de chaque colonne déclarée dans le tableau. Une ligne dont les valeurs ont
    changé mais qui se dit encore « exemple » est peut-être une vraie ligne : seul l'auteur le sait.
    """
    marque = rangs.get(colonne_marquee(schema))
    if marque is None:
        return tableau, []
    marquees = [i for i, li in enumerate(tableau.lignes) if li[marque].strip() == MARQUE]
    if not marquees:
        return tableau, []
    intactes = {i for i in marquees if _intacte(tableau.lignes[i], schema, rangs)}
    anomalies = [_dire(tableau, i, i in intactes, schema) for i in marquees]
    return tableau.garder([i for i in range(len(tableau.lignes)) if i not in intactes]), anomalies


def _dire(tableau: Tableau, rang: int, intacte: bool, schema: Schema) -> Anomalie:
    numero = tableau.numeros[rang]
    if intacte:
        regle = "ligne d'exemple du gabarit, ignorée"
        return Anomalie(tableau.fichier, regle, "", numero, gravite="information")
    nom = colonne_marquee(schema)
    titre = schema.colonne(nom).titre.lower()
    regle = "ligne d'exemple modifiée, mais encore marquée comme exemple"
    conseil = f"Écrivez ici sa vraie valeur ({titre}), ou supprimez la ligne."
    return Anomalie(tableau.fichier, regle, conseil, numero, nom, MARQUE)


def _intacte(ligne: tuple[str, ...], schema: Schema, rangs: dict[str, int]) -> bool:
    textes = textes_exemple(schema)
    return all(
        _meme(ligne[rang].strip(), textes[nom], schema.colonne(nom)) for nom, rang in rangs.items()
    )


def _meme(texte: str, exemple: str, colonne: Colonne) -> bool:
    """Dire si deux écritures se valent : un tableur change 57.1 en « 57,1 », et les dates aussi."""
    if texte == exemple:
        return True
    try:
        lus = [LECTEURS[colonne.type](t)[0] for t in (texte, exemple)]
    except ValueError:
        return False
    return lus[0] == lus[1]
