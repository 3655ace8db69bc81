"""Reconnaître chaque famille de fichiers publics et n'en tirer que ce qui est vrai.

Les extraits gardent les en-têtes des producteurs ; les valeurs se vérifient à la main.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from ctg_data.ecriture import csv_de_table
from ctg_data.lecture import Tableau, lire_csv
from ctg_data.lecture.familles import (
    Annulation,
    Extraction,
    Refus,
    catalogue,
    extraire_fichier,
    extraire_tableau,
    flux,
    national,
    reconnaitre,
)
from ctg_data.lecture.familles.communes import france
from ctg_data.lecture.familles.formes import rangs_utiles
from ctg_data.lecture.familles.reconnaissance import annee_du_nom, premiere
from ctg_data.schema import schemas
from ctg_data.validation import valider

PUBLICS = Path(__file__).resolve().parents[2] / "shared" / "donnees" / "exemples_publics"
GARD = ("30258", "30028")


class Attendu(NamedTuple):
    """Une case attendue : table, clé hors commune et année, commune, année, valeur, statut."""

    table: str
    cle: str
    code: str
    annee: int
    valeur: float | None
    statut: str = "officiel"


class Extrait(NamedTuple):
    """Un petit fichier public et ce qu'il doit donner."""

    fichier: str
    texte: str
    millesime: str
    attendus: tuple[Attendu, ...]


def stat(
    cle: str, code: str, annee: int, valeur: float | None, statut: str = "officiel"
) -> Attendu:
    return Attendu("statistiques", cle, code, annee, valeur, statut)


def revenu(
    cle: str, code: str, annee: int, valeur: float | None, statut: str = "officiel"
) -> Attendu:
    return Attendu("revenus", cle, code, annee, valeur, statut)


def pop1b_large() -> str:
    ages = [f"SEXE{s}_AGED100{a:03d}" for s in (1, 2) for a in range(101)]
    return ";".join(["CODGEO", "LIBGEO", *ages]) + "\n30258;Saint-Gilles;" + ";".join(["2.5"] * 202)


def pop1b_long() -> str:
    lignes = [f"COM;30258;Saint-Gilles;{s};{a:03d};1.5" for s in (1, 2) for a in range(101)]
    double = [f"ARM;75101;Paris 1er;{s};000;9" for s in (1, 2)]
    return "NIVGEO;CODGEO;LIBGEO;SEXE;AGED100;NB\n" + "\n".join(lignes + double)


def melodi_ages() -> str:
    ages = [*(f"Y{a}" for a in range(100)), "Y_GE100", "_T"]
    lignes = [
        f'"{code}";"{objet}";"{s}";"{a}";"POP";2022;{1 if s != "_T" else 2}'
        for code, objet in (("30258", "COM"), ("200034692", "EPCI"))
        for s in ("M", "F", "_T")
        for a in ages
    ]
    return '"GEO";"GEO_OBJECT";"SEX";"AGE";"RP_MEASURE";TIME_PERIOD;OBS_VALUE\n' + "\n".join(lignes)


EXTRAITS: dict[str, Extrait] = {
    "rp_structure": Extrait(
        "base-cc-evol-struct-pop-2021.CSV",
        "CODGEO;P21_POP;P21_POP0014;P21_POP1529;P21_POP90P;P15_POP;P15_POP0014;P21_H0014\n"
        "30258;14348.2;2901.7;2473.2981;110.5;13900;2800;1500\n",
        "2021",
        (
            stat("rp_population", "30258", 2021, 14348.2),
            stat("rp_population", "30258", 2015, 13900),
            stat("rp_population_0_14", "30258", 2021, 2901.7),
            stat("rp_population_15_29", "30258", 2021, 2473.2981),
            stat("rp_population_90_plus", "30258", 2021, 110.5),
        ),
    ),
    "rp_structure_iris": Extrait(
        "base-ic-evol-struct-pop-2021.CSV",
        "IRIS;REG;DEP;COM;LIBCOM;TYP_IRIS;LIBIRIS;P21_POP;P21_POP0002;P21_POP0305\n"
        "302580101;76;30;30258;Saint-Gilles;H;Centre;1000.5;60.5;50\n"
        "302580102;76;30;30258;Saint-Gilles;H;Sabatot;2000;70;55\n",
        "2021",
        (
            stat("rp_population_0_2", "30258", 2021, 130.5, "calcule"),
            stat("rp_population", "30258", 2021, 3000.5, "calcule"),
        ),
    ),
    "rp_familles": Extrait(
        "base-cc-coupl-fam-men-2021.CSV",
        "CODGEO;C21_FAM;C21_COUPAENF;C21_FAMMONO;C21_HMONO;C21_FMONO;C21_COUPSENF;C21_NE24F0;"
        "C21_NE24F4P\n30258;3900.5;1800;700;100;600;1400;1500;50\n",
        "2021",
        (
            stat("rp_familles", "30258", 2021, 3900.5),
            stat("rp_familles_monoparentales", "30258", 2021, 700),
            stat("rp_familles_0_enfant_moins_25_ans", "30258", 2021, 1500),
        ),
    ),
    "rp_familles_iris": Extrait(
        "base-ic-couples-familles-menages-2021.CSV",
        "IRIS;COM;C21_FAM;C21_COUPAENF;C21_FAMMONO\n302580101;30258;10;5;2\n302580102;30258;20;9;3\n",
        "2021",
        (stat("rp_familles", "30258", 2021, 30, "calcule"),),
    ),
    "rp_emploi": Extrait(
        "base-cc-emploi-pop-active-2021.CSV",
        "CODGEO;P21_POP1564;P21_ACT1564;P21_CHOM1564;P21_FACTOCC1564;P21_ACTOCC15P\n"
        "30258;8800;6200;1200;2100.25;5000.5\n",
        "2021",
        (
            Attendu("emploi", "", "30258", 2021, 5000.5),
            stat("rp_femmes_actives_occupees_15_64", "30258", 2021, 2100.25),
        ),
    ),
    "rp_emploi_iris": Extrait(
        "base-ic-activite-residents-2021.CSV",
        "IRIS;COM;P21_POP1564;P21_ACT1564;P21_CHOM1564\n302580101;30258;10;5;2\n",
        "2021",
        (stat("rp_actifs_15_64", "30258", 2021, 5),),
    ),
    "rp_caracteristiques_emploi": Extrait(
        "base-cc-caract_emp-2021.CSV",
        "CODGEO;P21_FSAL2554;P21_FSAL2554_TP;P21_FSAL1564;P21_FSAL1564_TP\n30258;1;2;3;4.5\n",
        "2021",
        (stat("rp_femmes_salariees_15_64_temps_partiel", "30258", 2021, 4.5),),
    ),
    "td_pop1a": Extrait(
        "BTX_TD_POP1A_2021.csv",
        "CODGEO;LIBGEO;SEXE1_AGEPYR1000;SEXE1_AGEPYR1003;SEXE1_AGEPYR1080;SEXE2_AGEPYR1000;"
        "SEXE2_AGEPYR1003;SEXE2_AGEPYR1080\n30258;Saint-Gilles;220.5;200;1;210.25;190;2\n",
        "2021",
        (
            stat("rp_population_0_2", "30258", 2021, 430.75, "calcule"),
            stat("rp_population_3_5", "30258", 2021, 390, "calcule"),
        ),
    ),
    "td_pop1b": Extrait(
        "BTT_TD_POP1B_2019.csv",
        pop1b_long(),
        "2019",
        (
            Attendu("population_age", "F/0/4", "30258", 2019, 7.5, "calcule"),
            Attendu("population_age", "H/95/", "30258", 2019, 9, "calcule"),
            stat("rp_population_0_2", "30258", 2019, 9, "calcule"),
        ),
    ),
    "td_pop1b_large": Extrait(
        "BTX_TD_POP1B_2018.csv",
        pop1b_large(),
        "2018",
        (
            Attendu("population_age", "H/90/94", "30258", 2018, 12.5, "calcule"),
            Attendu("population_age", "F/95/", "30258", 2018, 15, "calcule"),
            stat("rp_population_3_5", "30258", 2018, 15, "calcule"),
        ),
    ),
    "td_fam6": Extrait(
        "TD_FAM6v2_2021.csv",
        "CODGEO;AGEFOR5;TF12;NB\n30258;00;11;1.5\n30258;00;21;20\n30258;00;41;150\n30258;00;44;30\n"
        "30258;03;41;160\n30258;06;41;999\n30258;00;ZZ;999\n",
        "2021",
        (
            stat("rp_enfants_0_2_parents_tous_en_emploi", "30258", 2021, 171.5, "calcule"),
            stat("rp_enfants_0_2_couple_sans_emploi", "30258", 2021, 30),
            stat("rp_enfants_3_5_couple_deux_emplois", "30258", 2021, 160),
        ),
    ),
    "td_for1": Extrait(
        "TD_FOR1_2021.csv",
        "CODGEO;AGEFORD;SEXE;ILETUR;NB\n30258;2;1;1;10\n30258;2;2;1;12\n30258;2;1;Z;80\n"
        "30258;2;2;Z;70.5\n30258;3;1;Z;500\n",
        "2021",
        (
            stat("rp_enfants_2_ans_scolarises", "30258", 2021, 22, "calcule"),
            stat("rp_enfants_2_ans_non_scolarises", "30258", 2021, 150.5, "calcule"),
            stat("rp_enfants_2_ans", "30258", 2021, 172.5, "calcule"),
        ),
    ),
    "naissances_large": Extrait(
        "base_naissances_2022.csv",
        "CODGEO;LIBGEO;REG;DEP;NAISD14;NAISD15;NAISD22\n30258;Saint-Gilles;76;30;201;0;\n",
        "2022",
        (
            Attendu("naissances", "", "30258", 2014, 201),
            Attendu("naissances", "", "30258", 2015, 0),
            Attendu("naissances", "", "30258", 2022, None, "non_renseigne"),
        ),
    ),
    "filosofi": Extrait(
        "cc_filosofi_2021_COM.csv",
        "CODGEO;NBMENFISC21;NBPERSMENFISC21;MED21;PIMP21;TP6021;TP60AGE121;D121;D921;RD21\n"
        "30005;105;209;21910;s;s;s;s;s;s\n30028;8215;17271;19140;41,0;29,0;36,0;9710;34590;3,6\n"
        "30047;2680;6446;24000;57,0;11,0;s;1;2;nd\n",
        "2021",
        (
            revenu("niveau_vie_median", "30028", 2021, 19140),
            revenu("taux_pauvrete", "30028", 2021, 29),
            stat("filosofi_part_menages_imposes", "30028", 2021, 41),
            stat("filosofi_rapport_interdecile", "30028", 2021, 3.6),
        ),
    ),
    "filosofi_disp": Extrait(
        "FILO2019_DISP_COM.csv",
        "\ufeffCODGEO;LIBGEO;NBMEN19;NBPERS19;NBUC19;Q119;Q219;Q319;Q3_Q1;D119;S80S2019;GI19;PACT19\n"
        "30001;Aigaliers;208;493;336,7;;21550;;;;;;\n"
        "30258;Saint-Gilles;5795;14348;9527,9;12630;17350;22950;10320;9390;3,800;0,258;70\n",
        "2019",
        (
            revenu("niveau_vie_median", "30258", 2019, 17350),
            stat("filosofi_premier_quartile", "30258", 2019, 12630),
            stat("filosofi_indice_gini", "30258", 2019, 0.258),
        ),
    ),
    "melodi": Extrait(
        "DS_RP_LOGEMENT_PRINC_data.csv",
        '"GEO";"GEO_OBJECT";"OCS";"TDW";"RPLOG_MEASURE";TIME_PERIOD;OBS_VALUE\n'
        '"30258";"COM";"_T";"_T";"DWELLINGS";2022;6500.5\n'
        '"30258";"COM";"DW_VAC";"_T";"DWELLINGS";2022;500\n'
        '"30258";"COM";"DW_VAC";"1";"DWELLINGS";2022;7\n'
        '"30258";"EPCI";"_T";"_T";"DWELLINGS";2022;99999\n',
        "2022",
        (
            stat("melodi_dwellings", "30258", 2022, 6500.5),
            stat("melodi_dw_vac_dwellings", "30258", 2022, 500),
        ),
    ),
    "melodi_population": Extrait(
        "DS_RP_TD_POPULATION_AGESEX_PRINC_2022_data.csv",
        melodi_ages(),
        "2022",
        (
            Attendu("population_age", "F/0/4", "30258", 2022, 5, "calcule"),
            Attendu("population_age", "H/95/", "30258", 2022, 6, "calcule"),
            stat("rp_population", "30258", 2022, 2),
            stat("rp_population_0_2", "30258", 2022, 6, "calcule"),
        ),
    ),
    "melodi_emploi": Extrait(
        "DS_RP_EMPLOI_LR_PRINC_data.csv",
        '"AGE";"GEO";"GEO_OBJECT";"EMPSTA_ENQ";"SEX";"RP_MEASURE";"TIME_PERIOD";"OBS_VALUE"\n'
        '"Y_GE15";"30258";"COM";"1";"_T";"POP";"2022";"5000.25"\n'
        '"Y_GE15";"30258";"COM";"1";"F";"POP";"2022";"2400"\n'
        '"Y15T64";"30258";"COM";"2";"_T";"POP";"2022";"900"\n',
        "2022",
        (
            Attendu("emploi", "", "30258", 2022, 5000.25),
            stat("rp_chomeurs_15_64", "30258", 2022, 900),
        ),
    ),
    "melodi_naissances": Extrait(
        "DS_ETAT_CIVIL_NAIS_COMMUNES_data.csv",
        "GEO;GEO_OBJECT;FREQ;EC_MEASURE;TIME_PERIOD;OBS_VALUE\n30258;COM;A;LVB;2023;160\n"
        "30258;COM;A;LVB;2024;0\n30258;ARM;A;LVB;2023;9\n",
        "2024",
        (
            Attendu("naissances", "", "30258", 2023, 160),
            Attendu("naissances", "", "30258", 2024, 0),
        ),
    ),
    "melodi_filosofi": Extrait(
        "DS_FILOSOFI_CC_data.csv",
        "GEO;GEO_OBJECT;FILOSOFI_MEASURE;UNIT_MEASURE;UNIT_MULT;CONF_STATUS;OBS_STATUS;TIME_PERIOD;"
        "OBS_VALUE\n30258;COM;MED_SL;EUR_YR;0;F;A;2023;18950\n30258;COM;PR_MD60;PT;0;C;A;2023;\n"
        "30258;COM;D1_SL;EUR_YR;0;F;O;2021;\n",
        "2023",
        (
            revenu("niveau_vie_median", "30258", 2023, 18950),
            revenu("taux_pauvrete", "30258", 2023, None, "secret"),
            stat("filosofi_premier_decile", "30258", 2021, None, "non_renseigne"),
        ),
    ),
    "melodi_bpe": Extrait(
        "DS_BPE_data.csv",
        '"GEO";"GEO_OBJECT";"FACILITY_DOM";"FACILITY_SDOM";"FACILITY_TYPE";"BPE_MEASURE";'
        '"TIME_PERIOD";"OBS_VALUE"\n"30258";"COM";"D";"D5";"D502";"FACILITIES";2024;3\n'
        '"30028";"COM";"C";"C1";"C107";"FACILITIES";2024;4\n"86";"DEP";"D";"D6";"D606";'
        '"FACILITIES";2024;3\n',
        "2024",
        (
            stat("bpe_eaje", "30258", 2024, 3),
            stat("bpe_eaje", "30028", 2024, 0, "calcule"),
            stat("bpe_ecole_maternelle", "30258", 2024, 0, "calcule"),
        ),
    ),
    "bpe_detail": Extrait(
        "BPE24.csv",
        "AN;NOMRS;CODPOS;DEPCOM;DEP;REG;LIBCOM;DOM;SDOM;TYPEQU;CAPACITE;LAMBERT_X;QUALITE_XY\n"
        "2024;CRECHE A;30800;30258;30;76;SAINT-GILLES;D;D5;D502;30;1;_Z\n"
        "2024;CRECHE B;30800;30258;30;76;SAINT-GILLES;D;D5;D502;_Z;1;_Z\n"
        "2024;BOULANGERIE;30200;30028;30;76;BAGNOLS-SUR-CEZE;B;B2;B207;_Z;1;_Z\n",
        "2024",
        (
            stat("bpe_eaje", "30258", 2024, 2, "calcule"),
            stat("bpe_eaje", "30028", 2024, 0, "calcule"),
        ),
    ),
    "cog_communes": Extrait(
        "commune_2021.csv",
        "TYPECOM;COM;REG;DEP;CTCD;ARR;TNCC;NCC;NCCENR;LIBELLE;CAN;COMPARENT\n"
        "COM;30258;76;30;30D;302;0;SAINT GILLES;Saint-Gilles;Saint-Gilles;3019;\n",
        "2021",
        (),
    ),
    "cog_mouvements": Extrait(
        "mvtcommune_2021.csv",
        "MOD;DATE_EFF;TYPECOM_AV;COM_AV;LIBELLE_AV;TYPECOM_AP;COM_AP;LIBELLE_AP\n"
        "32;2019-01-01;COM;30094;Corbès;COM;30329;Thoiras-Corbès\n",
        "2021",
        (),
    ),
    "txcouv": Extrait(
        "export.csv",
        "\ufeffannee;numcom;nomcom;numepci;nomepci;numdep;nomdep;txcouv_psu_col_com;txcouv_eaje_com;"
        "txcouv_prescol_com;txcouv_am_ind_com;txcouv_gad_ind_com;txcouv_ind_com;txcouv_com\n"
        "2022;30258;SAINT-GILLES;243000643;CA DE NIMES;30;GARD;6.1;6.6;5;31;0.2;31.2;43\n"
        "2023;30258;SAINT-GILLES;243000643;CA DE NIMES;30;GARD;6.1;6.8;5.3;32.3;0.2;32.5;144.6\n",
        "2023",
        (
            Attendu("taux_couverture", "txcouv_global", "30258", 2023, 144.6),
            Attendu("taux_couverture", "txcouv_eaje", "30258", 2022, 6.6),
        ),
    ),
    "nbpla": Extrait(
        "nbpla_pe_com.csv",
        "annee;numcom;nomcom;pl_psu_col_com;pl_hors_psu_col_com;pl_eaje_com;pl_prescol_com;"
        "pl_am_ind_com;pl_gad_ind_com;pl_ind_com;tot_offre_com\n"
        "2023;30258;SAINT-GILLES;30;6;36;28;171;1;172;236\n",
        "2023",
        (
            stat("cnaf_places_total", "30258", 2023, 236),
            stat("cnaf_places_assistantes_maternelles", "30258", 2023, 171),
        ),
    ),
    "tauxcouv_ancien": Extrait(
        "TAUXCOUV2020.csv",
        "NUM_COM;NOM_COM;NUM_EPCI;NOM_EPCI;TAUXCOUV_COMM;TAUXCOUV_EPCI;TAUXCOUV_DEP;TAUXCOUV_REG;"
        "TAUXCOUV_NAT\n30258;SAINT-GILLES;243000643;CA DE NIMES;45,2;51,3;52,5;53;59,8\n"
        "30189;NIMES;243000643;CA DE NIMES;41;51,3;52,5;53;59,8\n",
        "2020",
        (
            Attendu("taux_couverture", "txcouv_global", "30258", 2020, 45.2),
            Attendu("taux_couverture", "txcouv_global", "243000643", 2020, 51.3),
            Attendu("taux_couverture", "txcouv_global", "FR", 2020, 59.8),
        ),
    ),
    "s_ben": Extrait(
        "s_ben_com_f.csv",
        "dtreffre;numcomdo;nomcom;indfoy_ndur;indnbp_ndur;indfoy_rsa;indmtt_rsa;indfoy_cf\n"
        "2023-12;30258;SAINT-GILLES;2810;7100;575;100;200\n"
        "2024-12;30258;SAINT-GILLES;2800;7050;0;0;195\n2024-12;;;35;40;0;0;0\n"
        "2024-12;XXXXX;;5;5;5;0;0\n2024-12;99999;ETRANGER;5;5;5;0;0\n",
        "2024",
        (
            Attendu("allocataires", "ndur", "30258", 2023, 2810),
            Attendu("allocataires", "personnes_couvertes", "30258", 2024, 7050),
            Attendu("allocataires", "rsa", "30258", 2024, 0, "zero_ambigu"),
            stat("cnaf_foyers_cf", "30258", 2024, 195),
        ),
    ),
    "quotient_familial": Extrait(
        "ndur_s_qf_400_com_f.csv",
        "dtreffre;numcomdo;nomcom;qf_400;indfoy_ndur;indnbp_ndur\n"
        "2024-12;30258;SAINT-GILLES;Moins de 400 euros;500;1500\n"
        "2024-12;30258;SAINT-GILLES;Entre 400 et 799 euros;900;0\n"
        "2024-12;30258;SAINT-GILLES;4000 euros ou plus;15;30\n",
        "2024",
        (
            stat("cnaf_foyers_qf_moins_400", "30258", 2024, 500),
            stat("cnaf_personnes_qf_400_799", "30258", 2024, 0, "zero_ambigu"),
            stat("cnaf_foyers_qf_4000_plus", "30258", 2024, 15),
        ),
    ),
    "caf_iris": Extrait(
        "data_CAF_2020_IRIS.csv",
        "CODGEO;NOTE;A;PERCOU;AI;AM;ENF;ENF_2;ENF_3_5;A_ETUD\n"
        "302580101;0;528;1\u202f105;284;108;442;66;58;\n302580102;0;304;777;128;34;332;60;55;\n"
        "300280101;0;100;200;50;20;80;10;9;5\n300280102;5;;;;;;;;\n",
        "2020",
        (
            stat("cnaf_allocataires", "30258", 2020, 832, "calcule"),
            stat("cnaf_personnes_couvertes", "30258", 2020, 1882, "calcule"),
            stat("cnaf_enfants_0_2", "30258", 2020, 126, "calcule"),
            stat("cnaf_enfants_0_2", "30028", 2020, None, "secret"),
        ),
    ),
    "caf_communes": Extrait(
        "data_CAF2021_COM.csv",
        "CODGEO;EPCI;REG;A;PERCOU;AAL;ENF_2\n30258;243000643;76;2900;7200;1300;\n",
        "2021",
        (
            stat("cnaf_allocataires_aide_logement", "30258", 2021, 1300),
            stat("cnaf_enfants_0_2", "30258", 2021, None, "secret"),
        ),
    ),
    "enfants_age": Extrait(
        "EnfantAgeCom2009.csv",
        "Communes;Codes_Insee;NB_Enfants_0_2_ans;NB_Enfants_3_5_ans;NB_Enfants_20_24_ans\n"
        "ETRANGER;99999;12;5;1\nINCONNU;XXXXX;3;5;1\nSAINT GILLES;30258;480;455;10\n",
        "2009",
        (
            stat("cnaf_enfants_0_2", "30258", 2009, 480),
            stat("cnaf_enfants_20_24", "30258", 2009, 10),
        ),
    ),
}
FAMILLES = pytest.mark.parametrize("code", EXTRAITS)


def tableau(texte: str, fichier: str = "fichier.csv") -> Tableau:
    lignes = [tuple(li) for li in csv.reader(io.StringIO(texte.lstrip("\ufeff")), delimiter=";")]
    return Tableau(fichier, lignes[0], tuple(lignes[1:]), tuple(range(2, len(lignes) + 1)))


def extraire(
    texte: str, fichier: str = "fichier_2021.csv", communes: tuple[str, ...] | None = GARD
) -> Extraction:
    lu = tableau(texte, fichier)
    reconnue = reconnaitre(lu.entete, fichier)
    assert reconnue is not None
    return extraire_tableau(reconnue, lu, communes)


def case(extraction: Extraction, attendu: Attendu) -> tuple[float | None, str]:
    """Rendre la valeur et le statut d'une case d'une table tirée du fichier."""
    table = extraction.tables[attendu.table]
    place = "code" if "code" in table else "code_commune"
    lignes = table[(table[place] == attendu.code) & (table["annee"] == attendu.annee)]
    champ = {
        "population_age": "population",
        "emploi": "actifs_occupes",
        "naissances": "naissances",
        "taux_couverture": attendu.cle,
    }.get(attendu.table, "valeur")
    colonnes = {"statistiques": "indicateur", "revenus": "mesure", "allocataires": "prestation"}
    if attendu.table in colonnes:
        lignes = lignes[lignes[colonnes[attendu.table]] == attendu.cle]
    if attendu.table == "population_age":
        sexe, debut, fin = attendu.cle.split("/")
        lignes = lignes[(lignes["sexe"] == sexe) & (lignes["age_min"] == int(debut))]
        assert lignes["age_max"].isna().all() if not fin else (lignes["age_max"] == int(fin)).all()
    assert len(lignes) == 1, attendu
    valeur = lignes.iloc[0][champ]
    return (None if pd.isna(valeur) else float(valeur)), lignes.iloc[0]["statut"]


def textes_des(extraction: Extraction, gravite: str) -> list[str]:
    return [a.message for a in extraction.anomalies if a.gravite == gravite]


def egales(gauche: Extraction, droite: Extraction) -> None:
    assert set(gauche.tables) == set(droite.tables)
    for nom, table in gauche.tables.items():
        pd.testing.assert_frame_equal(table, droite.tables[nom])


# --- Chaque fiche, chaque famille ----------------------------------------------------------------


def test_chaque_famille_a_son_extrait() -> None:
    assert set(EXTRAITS) == set(catalogue())


@FAMILLES
def test_chaque_fiche_est_complete(code: str) -> None:
    famille = catalogue()[code]
    textes = (famille.titre, famille.producteur, famille.jeu, famille.unite, famille.page)
    assert all(textes) and famille.licence and famille.periodicite and famille.reserves
    assert famille.vide in schemas()["statistiques"].colonne("statut").valeurs
    assert famille.zero in schemas()["statistiques"].colonne("statut").valeurs
    for mesure in famille.mesures:
        schema = schemas()[mesure.table]
        assert schema.colonne(mesure.champ).type in ("number", "integer")
        place = {"code_commune", "niveau", "code", "annee"}
        assert set(mesure.cle) | place >= set(schema.cle)


@FAMILLES
def test_un_extrait_garde_sa_signature(code: str) -> None:
    """Le petit extrait d'un fichier national doit pouvoir être relu comme le fichier lui-même."""
    entete = tableau(EXTRAITS[code].texte).entete
    reconnue = reconnaitre(entete)
    assert reconnue is not None
    gardees = [entete[r] for r in rangs_utiles(reconnue, entete)]
    assert all(premiere([m], gardees) is not None for m in reconnue.famille.signature)


@FAMILLES
def test_chaque_famille_est_reconnue_et_bien_lue(code: str) -> None:
    extrait = EXTRAITS[code]
    extraction = extraire(extrait.texte, extrait.fichier)
    assert extraction.famille.code == code
    assert extraction.millesime == extrait.millesime
    assert (
        "30258" in extraction.communes_trouvees
        or "30028" in extraction.communes_trouvees
        or (code == "cog_mouvements")
    )
    for attendu in extrait.attendus:
        assert case(extraction, attendu) == (attendu.valeur, attendu.statut), attendu
    assert not textes_des(extraction, "erreur") or code == "cog_mouvements"


@FAMILLES
def test_l_ordre_la_casse_et_les_colonnes_en_plus_ne_changent_rien(code: str) -> None:
    extrait = EXTRAITS[code]
    lu = tableau(extrait.texte, extrait.fichier)
    melange = replace(
        lu,
        entete=tuple(f" {n.swapcase()}" for n in ("colonne_en_plus", *reversed(lu.entete))),
        lignes=tuple(("x", *reversed(ligne)) for ligne in lu.lignes),
    )
    directe, melangee = reconnaitre(lu.entete, lu.fichier), reconnaitre(melange.entete, lu.fichier)
    assert directe is not None and melangee is not None
    assert melangee.famille is directe.famille and melangee.millesime == directe.millesime
    if not directe.famille.total:
        # Une dimension de plus d'un fichier Melodi n'est pas une colonne en plus.
        egales(extraire_tableau(directe, lu, GARD), extraire_tableau(melangee, melange, GARD))


@FAMILLES
def test_les_tables_passent_la_validation_une_fois_ecrites(code: str) -> None:
    extrait = EXTRAITS[code]
    for nom, table in extraire(extrait.texte, extrait.fichier).tables.items():
        lu, fautes = lire_csv(csv_de_table(table), f"{nom}.csv")
        assert lu is not None and not [a for a in fautes if a.erreur]
        relue, anomalies = valider(lu, schemas()[nom])
        assert [a.message for a in anomalies if a.erreur] == []
        assert list(table.columns) == [c.nom for c in schemas()[nom].colonnes]
        pd.testing.assert_frame_equal(relue[list(table.columns)], table, check_dtype=False)


@FAMILLES
def test_le_fichier_national_donne_les_memes_tables(code: str, tmp_path: Path) -> None:
    extrait = EXTRAITS[code]
    chemin = tmp_path / "televersement.tmp"
    chemin.write_text(extrait.texte + "\n", "utf-8")
    national_ = extraire_fichier(chemin, GARD, fichier=extrait.fichier)
    egales(national_, extraire(extrait.texte, extrait.fichier))
    relu = extraire(national_.extrait.decode(), extrait.fichier)
    egales(relu, national_)


def test_un_fichier_a_soi_n_est_pas_pris_pour_un_public() -> None:
    assert (
        reconnaitre(["code_commune", "commune", "places", "enfants_0_2", "taux_couverture"]) is None
    )
    assert reconnaitre([]) is None
    for schema in schemas().values():
        assert reconnaitre([c.nom for c in schema.colonnes]) is None


# --- Millésime -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fichier", "annee"),
    [
        ("base-cc-filosofi-2021-geo2025_csv.zip", 2021),
        ("geo2025.csv", None),
        ("TAUXCOUV2020.csv", 2020),
        ("data_CAF2021_COM (1).csv", 2021),
        ("siren_200034692.csv", None),
        ("export.csv", None),
    ],
)
def test_l_annee_du_nom_de_fichier(fichier: str, annee: int | None) -> None:
    assert annee_du_nom(fichier) == annee


def test_sans_annee_nulle_part_le_fichier_est_refuse() -> None:
    extraction = extraire(EXTRAITS["td_pop1a"].texte, "export.csv")
    assert "année introuvable" in textes_des(extraction, "erreur")[0]
    assert not extraction.tables


def test_l_annee_des_colonnes_l_emporte_sur_le_nom_du_fichier() -> None:
    assert extraire(EXTRAITS["filosofi"].texte, "copie_1999.csv").millesime == "2021"


def test_l_annee_prise_au_nom_du_fichier_se_dit() -> None:
    assert "2021" in textes_des(extraire(EXTRAITS["td_pop1a"].texte), "information")[0]


# --- Secrets, zéros, absences --------------------------------------------------------------------


def test_un_secret_n_est_jamais_zero() -> None:
    extraction = extraire(EXTRAITS["filosofi"].texte, communes=("30005", "30047"))
    assert case(extraction, revenu("taux_pauvrete", "30005", 2021, None)) == (None, "secret")
    rapport = stat("filosofi_rapport_interdecile", "30047", 2021, None)
    assert case(extraction, rapport) == (None, "secret")
    assert extraction.valeurs_secretes == 6
    assert "6 valeurs sous secret" in textes_des(extraction, "information")[0].replace(
        "\u00a0", " "
    )
    assert "secret" in extraction.tables["revenus"].query("statut == 'secret'")["source"].iloc[0]


def test_une_commune_absente_n_est_pas_a_zero() -> None:
    extraction = extraire(EXTRAITS["filosofi_disp"].texte, communes=("30258", "30292"))
    assert "30292" not in set(extraction.tables["revenus"]["code_commune"])
    (message,) = textes_des(extraction, "avertissement")
    assert "30292" in message and "non un zéro" in message


def test_une_case_vide_du_disp_est_un_secret() -> None:
    extraction = extraire(EXTRAITS["filosofi_disp"].texte, communes=("30001",))
    attendu = stat("filosofi_premier_quartile", "30001", 2019, None)
    assert case(extraction, attendu) == (None, "secret")


def test_une_valeur_publiee_sous_conf_status_c_reste_tue() -> None:
    texte = EXTRAITS["melodi_filosofi"].texte.replace("C;A;2023;", "C;A;2023;27")
    extraction = extraire(texte)
    assert case(extraction, revenu("taux_pauvrete", "30258", 2023, None)) == (None, "secret")


def test_un_iris_secret_cache_la_somme_de_sa_commune() -> None:
    table = extraire(EXTRAITS["caf_iris"].texte).tables["statistiques"]
    bagnols = table[table["code"] == "30028"]
    assert bagnols["valeur"].isna().all() and (bagnols["statut"] == "secret").all()
    assert bagnols["source"].str.contains("un Iris au moins est secret").all()


def test_filosofi_2_porte_son_avertissement() -> None:
    table = extraire(EXTRAITS["melodi_filosofi"].texte).tables["revenus"]
    attendue = "Insee, Filosofi 2023 (Filosofi 2, non comparable aux années antérieures)"
    assert table.iloc[0]["source"] == attendue
    ancien = EXTRAITS["melodi_filosofi"].texte.replace("2023", "2021")
    assert extraire(ancien).tables["revenus"].iloc[0]["source"] == "Insee, Filosofi 2021"


def test_un_zero_de_la_caf_est_ambigu_un_zero_de_l_etat_civil_non() -> None:
    caf = extraire(EXTRAITS["s_ben"].texte).tables["allocataires"]
    ambigu = caf[caf["statut"] == "zero_ambigu"].iloc[0]
    assert ambigu["valeur"] == 0 and "0 à 4 ou non publié" in ambigu["source"]


def test_la_bpe_ne_deduit_pas_de_zero_d_un_type_que_le_fichier_ignore() -> None:
    table = extraire(EXTRAITS["bpe_detail"].texte).tables["statistiques"]
    assert set(table["indicateur"]) == {"bpe_eaje"}
    assert set(extraire(EXTRAITS["bpe_detail"].texte).tables) == {"statistiques"}


def test_la_bpe_ne_deduit_pas_de_zero_d_une_commune_que_le_fichier_ignore() -> None:
    table = extraire(EXTRAITS["bpe_detail"].texte, communes=("30258", "30292"))
    assert set(table.tables["statistiques"]["code"]) == {"30258"}


# --- Lignes à ne pas compter ---------------------------------------------------------------------


def test_seules_les_lignes_de_communes_comptent() -> None:
    naissances = extraire(EXTRAITS["melodi_naissances"].texte).tables["naissances"]
    assert naissances["naissances"].tolist() == [160, 0]


def test_une_dimension_inutile_est_prise_au_total() -> None:
    emploi = extraire(EXTRAITS["melodi_emploi"].texte).tables["emploi"]
    assert emploi["actifs_occupes"].tolist() == [5000.25]


def test_un_autre_jeu_aux_memes_dimensions_est_garde_tel_quel() -> None:
    texte = melodi_ages().replace('"POP"', '"POP_PCS"')
    extraction = extraire(texte)
    assert extraction.famille.code == "melodi"
    assert case(extraction, stat("melodi_pop_pcs", "30258", 2022, 2)) == (2, "officiel")


def test_une_dimension_sans_total_est_signalee() -> None:
    texte = EXTRAITS["melodi_emploi"].texte.replace('"_T"', '"M"')
    fautes = textes_des(extraire(texte), "erreur")
    assert fautes and all("SEX" in f for f in fautes)


def test_les_lignes_sans_commune_de_la_cnaf_n_entrent_nulle_part() -> None:
    extraction = extraire(EXTRAITS["s_ben"].texte, communes=None)
    assert set(extraction.tables["allocataires"]["code_commune"]) == {"30258"}


def test_l_epci_xx_de_la_cnaf_est_ecarte() -> None:
    entete = "annee;numepci;nomepci;txcouv_epci\n"
    texte = entete + "2023;XX;INCONNU;195.8\n2023;243000643;CA DE NIMES;49.6\n"
    assert set(extraire(texte).tables["taux_couverture"]["code"]) == {"243000643"}
    assert set(extraire(texte, communes=None).tables["taux_couverture"]["code"]) == {"243000643"}


def test_une_commune_deleguee_ne_double_pas_sa_commune() -> None:
    texte = EXTRAITS["cog_communes"].texte + "COMD;30052;76;30;30D;302;0;B;B;Bréau;3019;30052\n"
    assert extraire(texte, communes=None).communes_trouvees == {"30258"}


@pytest.mark.parametrize("ville", [True, False])
def test_paris_ne_se_compte_qu_une_fois(ville: bool) -> None:
    texte = "CODGEO;NAISD22\n75101;10\n75102;15\n" + ("75056;25\n" if ville else "")
    extraction = extraire(texte, communes=("75056",))
    table = extraction.tables["naissances"]
    assert table["naissances"].tolist() == [25]
    assert table["statut"].tolist() == ["officiel" if ville else "calcule"]
    assert bool(textes_des(extraction, "information")) is ville


def test_un_taux_d_arrondissements_ne_se_somme_pas() -> None:
    texte = "CODGEO;NBMENFISC21;NBPERSMENFISC21;MED21\n75101;10;20;30000\n75102;5;9;31000\n"
    extraction = extraire(texte, communes=("75056",))
    assert "revenus" not in extraction.tables
    assert case(extraction, stat("filosofi_menages_fiscaux", "75056", 2021, 15)) == (15, "calcule")
    assert any("ne s'additionne pas" in m for m in textes_des(extraction, "avertissement"))


def test_un_mois_hors_decembre_est_laisse_de_cote() -> None:
    texte = EXTRAITS["s_ben"].texte + "2024-06;30258;SAINT-GILLES;1;1;1;1;1\n"
    extraction = extraire(texte)
    assert case(extraction, Attendu("allocataires", "ndur", "30258", 2024, 2800))[0] == 2800
    assert any("hors décembre" in m for m in textes_des(extraction, "information"))


def test_une_ligne_repetee_n_est_comptee_qu_une_fois() -> None:
    texte = EXTRAITS["naissances_large"].texte
    double = extraire(texte + texte.splitlines()[1] + "\n")
    egales(double, extraire(texte))
    assert "à l'identique" in textes_des(double, "avertissement")[0]


def test_deux_valeurs_pour_une_meme_commune_sont_une_erreur_situee() -> None:
    texte = EXTRAITS["naissances_large"].texte + "30258;Saint-Gilles;76;30;999;0;\n"
    (faute,) = [a for a in extraire(texte).anomalies if a.erreur]
    assert faute.ligne == 3 and faute.colonne == "NAISD14"
    assert "201 et 999" in faute.message


def test_une_tranche_d_ages_incomplete_n_est_pas_sommee() -> None:
    texte = "\n".join(li for li in pop1b_long().splitlines() if ";003;" not in li)
    table = extraire(texte).tables["population_age"]
    assert table["age_min"].min() == 5


# --- Codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ecrit", "code"),
    [
        ("1004", "01004"),
        ("1004.0", "01004"),
        ('="01004"', "01004"),
        ("2a004", "2A004"),
        ("20004", "2A004"),
        ("COM-01004", "01004"),
        ("2025-COM-01004", "01004"),
    ],
)
def test_un_code_abime_retrouve_sa_commune(ecrit: str, code: str, tmp_path: Path) -> None:
    lu = Tableau("n_2022.csv", ("CODGEO", "NAISD22"), ((ecrit, "12"), ("30258", "5")), (2, 3))
    reconnue = reconnaitre(lu.entete)
    assert reconnue is not None
    extraction = extraire_tableau(reconnue, lu, (code,))
    assert extraction.tables["naissances"]["code_commune"].tolist() == [code]
    chemin = tmp_path / "n_2022.csv"
    chemin.write_text(f"CODGEO;NAISD22\n{ecrit};12\n30258;5\n", "utf-8")
    if "COM-" in ecrit:
        chemin.write_text(f"CODGEO;NAISD22\n{ecrit};12\n{ecrit[:-5]}30258;5\n", "utf-8")
    egales(extraire_fichier(chemin, (code,)), extraction)


def test_un_iris_sans_son_zero_est_retrouve(tmp_path: Path) -> None:
    entete = "CODGEO;NOTE;A;PERCOU;ENF\n"
    chemin = tmp_path / "data_CAF_2020_IRIS.csv"
    chemin.write_text(entete + "10040101;0;5;6;7\n10040102;0;1;1;1\n302580101;0;9;9;9\n", "utf-8")
    for extraction in (
        extraire(chemin.read_text("utf-8"), chemin.name, ("01004",)),
        extraire_fichier(chemin, ("01004",)),
    ):
        attendu = stat("cnaf_allocataires", "01004", 2020, 6)
        assert case(extraction, attendu) == (6, "calcule")


def test_un_effectif_d_anciennes_communes_est_somme_un_taux_refuse() -> None:
    """Corbès (30094) a rejoint Thoiras (30329) : Thoiras-Corbès."""
    texte = "CODGEO;NBMENFISC14;NBPERSMENFISC14;MED14\n30094;70;150;20000\n30329;200;450;21000\n"
    extraction = extraire(texte, communes=("30329",))
    attendu = stat("filosofi_menages_fiscaux", "30329", 2014, 270)
    assert case(extraction, attendu) == (270, "calcule")
    assert "30094, 30329" in extraction.tables["statistiques"]["source"].iloc[0]
    assert "revenus" not in extraction.tables
    avertis = " ".join(textes_des(extraction, "avertissement"))
    assert "à réunir sous 30329" in avertis and "ne s'additionne pas" in avertis


def test_une_fusion_n_ote_que_les_annees_d_avant() -> None:
    texte = (
        "GEO;GEO_OBJECT;FILOSOFI_MEASURE;CONF_STATUS;TIME_PERIOD;OBS_VALUE\n"
        "30329;COM;MED_SL;F;2015;20000\n30094;COM;MED_SL;F;2015;19000\n"
        "30329;COM;MED_SL;F;2021;22000\n"
    )
    revenus = extraire(texte, communes=("30329",)).tables["revenus"]
    assert revenus[["annee", "valeur"]].to_numpy().tolist() == [[2021, 22000]]


def test_une_partie_seule_d_une_commune_fusionnee_n_en_tient_pas_lieu() -> None:
    extraction = extraire("CODGEO;NAISD14\n30094;3\n30258;200\n", communes=("30329", "30258"))
    assert extraction.tables["naissances"]["code_commune"].tolist() == ["30258"]
    assert any("n'est qu'une partie" in m for m in textes_des(extraction, "avertissement"))


def test_des_codes_postaux_sont_refuses_avec_le_bon_code(tmp_path: Path) -> None:
    texte = "CODGEO;NAISD22\n30800;160\n30900;70\n30258;5\n"
    chemin = tmp_path / "n_2022.csv"
    chemin.write_text(texte, "utf-8")
    for extraction in (extraire(texte), extraire_fichier(chemin, GARD)):
        (faute,) = textes_des(extraction, "erreur")
        assert "codes postaux" in faute and "30258" in faute


def test_un_fichier_sans_le_territoire_est_refuse() -> None:
    extraction = extraire("CODGEO;NAISD22\n01004;160\n")
    assert "aucune commune du territoire" in textes_des(extraction, "erreur")[0]
    assert not extraction.tables


# --- Nombres -------------------------------------------------------------------------------------


def test_un_nombre_ambigu_est_refuse_avec_sa_ligne() -> None:
    texte = EXTRAITS["rp_structure"].texte.replace("14348.2", "14,348")
    (faute,) = [a for a in extraire(texte).anomalies if a.erreur]
    assert (faute.ligne, faute.colonne, faute.valeur) == (2, "P21_POP", "14,348")
    assert "ambigu" in faute.regle


def test_l_autre_decimale_est_comprise_quand_elle_est_sure() -> None:
    texte = EXTRAITS["filosofi"].texte.replace("41,0", "41.0")
    attendu = stat("filosofi_part_menages_imposes", "30028", 2021, 41)
    assert case(extraire(texte), attendu) == (41, "officiel")


@pytest.mark.parametrize(
    ("trouve", "regle"),
    [
        ("-3", "nombre négatif"),
        ("12.5", "ce n'est pas un nombre entier"),
        ("douze", "pas un nombre"),
    ],
)
def test_une_naissance_impossible_est_refusee(trouve: str, regle: str) -> None:
    texte = EXTRAITS["naissances_large"].texte.replace("201", trouve)
    (faute,) = [a for a in extraire(texte).anomalies if a.erreur]
    assert regle in faute.regle and faute.ligne == 2 and faute.valeur == trouve


def test_le_guillemet_egare_du_dernier_en_tete_ne_perd_pas_la_colonne() -> None:
    lu = tableau(EXTRAITS["filosofi"].texte.replace("RD21", "RD"), "f.csv")
    lu = replace(lu, entete=(*lu.entete[:-1], 'RD"'))
    reconnue = reconnaitre(lu.entete)
    assert reconnue is not None
    attendu = stat("filosofi_rapport_interdecile", "30028", 2021, 3.6)
    assert case(extraire_tableau(reconnue, lu, GARD), attendu) == (3.6, "officiel")


def test_un_taux_au_dessus_de_cent_est_garde() -> None:
    table = extraire(EXTRAITS["txcouv"].texte).tables["taux_couverture"]
    assert table["txcouv_global"].max() == 144.6


def test_un_nom_en_capitales_reprend_son_ecriture() -> None:
    table = extraire(EXTRAITS["txcouv"].texte).tables["taux_couverture"]
    assert set(table["nom"]) == {"Saint-Gilles"}


# --- Cnaf : niveaux et libellés ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("colonnes", "valeurs", "niveau", "code"),
    [
        ("numepci;nomepci;txcouv_epci", "243000643;CA DE NIMES;49.6", "epci", "243000643"),
        ("numdep;nomdep;txcouv_dep", "30;GARD;52.5", "departement", "30"),
        ("numregi;nomregi;txcouv_reg", "76;OCCITANIE;58.1", "region", "76"),
        ("txcouv_nat;txcouv_am_nat", "60.9;31.9", "france", "FR"),
    ],
)
def test_chaque_niveau_de_la_cnaf(colonnes: str, valeurs: str, niveau: str, code: str) -> None:
    table = extraire(f"annee;{colonnes}\n2023;{valeurs}\n").tables["taux_couverture"]
    assert table[["niveau", "code", "annee"]].to_numpy().tolist() == [[niveau, code, 2023.0]]
    assert table["source"].iloc[0].startswith("Cnaf, txcouv_pe_")
    noms = {"epci": "CA de Nîmes Métropole", "departement": "Gard", "region": "Occitanie"}
    assert table["nom"].iloc[0] == noms.get(niveau, "France entière hors Mayotte")


def test_les_libelles_de_la_cnaf_valent_ses_noms_techniques() -> None:
    texte = (
        "Date référence;Numéro commune;Nom commune;Numéro Département;Nom Département;"
        "Taux de couv EAJE - ensemble;Taux de couv assistantes maternelles;Taux de couv global;"
        "Places offertes - Ensemble\n2023-12-31;30258;SAINT-GILLES;30;GARD;6.8;32.3;44.6;236\n"
    )
    extraction = extraire(texte)
    ligne = extraction.tables["taux_couverture"].iloc[0]
    assert (ligne["txcouv_global"], ligne["txcouv_eaje"], ligne["txcouv_am_ind"]) == (
        44.6,
        6.8,
        32.3,
    )
    assert case(extraction, stat("cnaf_places_total", "30258", 2023, 236))[0] == 236


def test_la_seconde_generation_de_tauxcouv_est_reconnue() -> None:
    texte = (
        "NUMCOM;NOMCOM;NUMZEMPL;NOMZEMPL;tauxcouv_com;tauxcouv_epci;tauxcouv_dep;tauxcouv_reg;"
        "tauxcouv_fe\n1004;AMBERIEU;8201;BOURG;45,2;1;1;1;59,8\n"
    )
    extraction = extraire(texte, "TAUXCOUV2021.csv", ("01004",))
    assert extraction.famille.code == "tauxcouv_ancien"
    attendu = Attendu("taux_couverture", "txcouv_global", "01004", 2021, 45.2)
    assert case(extraction, attendu) == (45.2, "officiel")


# --- Fichiers nationaux --------------------------------------------------------------------------


def en_zip(chemin: Path, texte: str) -> None:
    with zipfile.ZipFile(chemin, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("DS_X_metadata.csv", "COD_VAR;LIB_VAR\n" * 5000)
        archive.writestr("DS_X_data.csv", texte)


def en_parquet(chemin: Path, texte: str) -> None:
    lu = pacsv.read_csv(io.BytesIO(texte.encode()), parse_options=pacsv.ParseOptions(delimiter=";"))
    pq.write_table(lu, chemin)


@pytest.mark.parametrize("ecrire", [en_zip, en_parquet])
@pytest.mark.parametrize("code", ["bpe_detail", "melodi_naissances", "melodi_population", "s_ben"])
def test_un_zip_et_un_parquet_valent_le_csv(
    ecrire: Callable[[Path, str], None], code: str, tmp_path: Path
) -> None:
    extrait = EXTRAITS[code]
    chemin = tmp_path / "televerse"
    ecrire(chemin, extrait.texte)
    egales(
        extraire_fichier(chemin, GARD, fichier=extrait.fichier),
        extraire(extrait.texte, extrait.fichier),
    )


def naissances(communes: int) -> str:
    codes = sorted(france().actuelles)[:communes]
    return "CODGEO;LIBGEO;NAISD22\n" + "".join(
        f'{c};"Commune {c}";{i}\n' for i, c in enumerate(codes)
    )


def test_chaque_ligne_est_lue_une_fois_quelle_que_soit_la_coupe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chemin = tmp_path / "naissances_2022.csv"
    chemin.write_text(naissances(400), "utf-8")
    codes = sorted(france().actuelles)[:400]
    monkeypatch.setattr(flux, "lire_flux", None)
    for bloc in (64, 101, 1000, 1 << 20):
        monkeypatch.setattr(flux, "BLOC", bloc)
        extraction = extraire_fichier(chemin, codes)
        assert extraction.lignes_lues == 400
        assert extraction.tables["naissances"]["naissances"].tolist() == list(range(400))


def test_un_saut_de_ligne_dans_une_cellule_ne_perd_rien(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flux, "BLOC", 128)
    chemin = tmp_path / "naissances_2022.csv"
    chemin.write_text(naissances(60).replace("Commune ", "Commune\nde "), "utf-8")
    codes = sorted(france().actuelles)[:60]
    extraction = extraire_fichier(chemin, codes)
    assert extraction.tables["naissances"]["naissances"].tolist() == list(range(60))
    assert extraction.lignes_lues == 60 and not textes_des(extraction, "erreur")


def test_une_ligne_plus_longue_que_la_marge_est_lue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flux, "BLOC", 64)
    monkeypatch.setattr(flux, "MARGE", 16)
    chemin = tmp_path / "naissances_2022.csv"
    chemin.write_text(naissances(20).replace("Commune 01004", "x" * 500), "utf-8")
    assert extraire_fichier(chemin, ("01004",)).lignes_lues == 20


def test_une_ligne_de_travers_est_dite(tmp_path: Path) -> None:
    chemin = tmp_path / "naissances_2022.csv"
    chemin.write_text(naissances(20) + "30258;3\n", "utf-8")
    (faute,) = textes_des(extraire_fichier(chemin, ("01004",)), "erreur")
    assert "2 colonnes au lieu de 3" in faute.replace("\u00a0", " ")


def test_un_fichier_en_windows_1252_est_lu(tmp_path: Path) -> None:
    chemin = tmp_path / "txcouv_pe_com.csv"
    texte = "Date référence;Numéro commune;Nom commune;Taux de couv global\n2023;30007;Alès;44.6\n"
    chemin.write_bytes(texte.encode("cp1252"))
    table = extraire_fichier(chemin, ("30007",)).tables["taux_couverture"]
    assert table["nom"].tolist() == ["Alès"]


def test_la_progression_va_a_un_et_l_annulation_arrete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flux, "BLOC", 256)
    csv_, zip_ = tmp_path / "naissances_2022.csv", tmp_path / "naissances_2022.zip"
    csv_.write_text(naissances(400), "utf-8")
    en_zip(zip_, naissances(400))
    for chemin in (csv_, zip_):
        parts: list[float] = []
        extraire_fichier(chemin, ("01004",), lambda p, vues=parts: not vues.append(p))
        assert parts == sorted(parts) and parts[-1] == 1
        with pytest.raises(Annulation):
            extraire_fichier(chemin, ("01004",), lambda p: False)


BOMBE = "CODGEO;NAISD22\n" + "30258;1\n" * 400_000
REFUS = {
    "inconnu": (b"a;b\n1;2\n", "non reconnu"),
    "sans_ligne": (b"CODGEO;NAISD22", "aucune ligne"),
    "utf16": ("CODGEO;NAISD22\n30258;1\n".encode("utf-16"), "UTF-8"),
    "faux_zip": (b"PK\x03\x04" + b"x" * 50, "archive abîmée"),
    "faux_parquet": (b"PAR1" + b"x" * 50, "Parquet illisible"),
    "vide": (b"", "aucune ligne"),
}


@pytest.mark.parametrize("faute", REFUS)
def test_un_fichier_national_illisible_est_refuse_en_francais(faute: str, tmp_path: Path) -> None:
    octets, regle = REFUS[faute]
    chemin = tmp_path / "fichier_2022.csv"
    chemin.write_bytes(octets)
    with pytest.raises(Refus) as refus:
        extraire_fichier(chemin, GARD)
    assert regle in refus.value.anomalie.message and refus.value.anomalie.correction


def test_une_bombe_est_refusee_avant_d_etre_ouverte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chemin = tmp_path / "naissances_2022.zip"
    en_zip(chemin, BOMBE)
    with pytest.raises(Refus, match="trop volumineuse"):
        extraire_fichier(chemin, GARD)
    monkeypatch.setattr(national, "RAPPORT_MAX", 10**6)
    monkeypatch.setattr(national, "TAILLE_MAX", len(BOMBE) - 1)
    with pytest.raises(Refus, match="trop volumineuse"):
        extraire_fichier(chemin, GARD)


def test_un_zip_sans_csv_est_refuse(tmp_path: Path) -> None:
    chemin = tmp_path / "a.zip"
    with zipfile.ZipFile(chemin, "w") as archive:
        archive.writestr("image.png", "x")
    with pytest.raises(Refus, match="aucun CSV"):
        extraire_fichier(chemin, GARD)


# --- Vrais fichiers ------------------------------------------------------------------------------


@pytest.mark.skipif(not PUBLICS.is_dir(), reason="exemples publics absents")
def test_les_exemples_publics_donnent_leurs_vraies_valeurs() -> None:
    communes = ("30258", "30028", "30005", "30189")
    trouve = {f.name: extraire_fichier(f, communes) for f in sorted(PUBLICS.iterdir())}
    assert [e.famille.code for e in trouve.values()] == [
        "filosofi_disp",
        "cog_communes",
        "caf_iris",
        "caf_iris",
    ]
    disp = trouve["FILO2014_DISP_COM_gard.csv"]
    assert case(disp, revenu("niveau_vie_median", "30258", 2014, 0)) == (15805.5, "officiel")
    assert case(disp, stat("filosofi_premier_decile", "30005", 2014, 0)) == (None, "secret")
    iris = trouve["data_CAF_2020_IRIS_gard.csv"]
    saint_gilles = 528 + 304 + 841 + 779 + 417
    assert case(iris, stat("cnaf_allocataires", "30258", 2020, 0)) == (saint_gilles, "calcule")
    petits = 66 + 60 + 131 + 116 + 56
    assert case(iris, stat("cnaf_enfants_0_2", "30258", 2020, 0)) == (petits, "calcule")
    # Nîmes a des Iris secrets (NOTE 3 et 5) : aucune somme n'est vraie.
    assert case(iris, stat("cnaf_allocataires", "30189", 2020, 0)) == (None, "secret")
    assert trouve["commune_2021_gard.csv"].lignes_lues == 353
