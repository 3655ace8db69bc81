"""Lire un petit fichier Parquet en rangées de texte ; les gros se lisent en flux (familles)."""

from __future__ import annotations

import io

from ctg_data.lecture.classeur import ecrire
from ctg_data.lecture.modele import CELLULES_MAX, COLONNES_MAX, Rangees
from ctg_data.lecture.signatures import Refus
from ctg_data.textes import nombre

_REEXPORTER = "Téléchargez-le ou exportez-le de nouveau."


def lire_parquet(octets: bytes, fichier: str) -> Rangees:
    """Lire un Parquet de colonnes simples ; lève Refus s'il est abîmé, trop grand ou emboîté."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        lu = pq.ParquetFile(io.BytesIO(octets))
        lignes, colonnes = lu.metadata.num_rows, len(lu.schema_arrow)
        if colonnes > COLONNES_MAX or lignes * colonnes > CELLULES_MAX:
            conseil = "Ne gardez que les communes et les colonnes utiles."
            raise Refus(f"plus de {nombre(CELLULES_MAX)} cellules", conseil)
        table = lu.read()
    except (pa.ArrowException, OSError, ValueError):
        raise Refus("fichier Parquet abîmé", _REEXPORTER) from None
    if any(pa.types.is_nested(t) for t in table.schema.types):
        conseil = "Exportez-le en CSV, une valeur par cellule."
        raise Refus("colonne qui contient des listes ou des objets", conseil)
    valeurs = zip(*(colonne.to_pylist() for colonne in table.columns), strict=True)
    textes = [tuple(table.column_names), *(tuple(map(ecrire, v)) for v in valeurs)]
    return Rangees(fichier, tuple(textes), tuple(range(1, len(textes) + 1)), classeur=True)
