// Montre une figure et ses outils ; ses valeurs changent sans que la figure soit recréée.
import Plotly from "./vendor/plotly/plotly.js";
import { classer } from "./classement.js";

const servi = (chemin) => new URL(chemin, import.meta.url).href;
const REGLAGES = {
  displayModeBar: false,
  scrollZoom: false,
  locale: "fr",
  locales: { fr: await (await fetch(servi("plotly_fr.json"))).json() },
  topojsonURL: servi("topojson/"),
};
const OUTILS = [
  ["tableau", "table", "Tableau"],
  ["png", "download", "PNG"],
  ["svg", "download", "SVG"],
  ["csv", "download", "CSV"],
];
const lecteur = new TextDecoder();
// Contours d'un territoire de l'utilisateur : reçus une fois, donnés à Plotly par leur adresse.
const contours = new Map();

export function recevoir({ data, parentElement }) {
  const { cle, geojson } = JSON.parse(lecteur.decode(data));
  const octets = new Blob([JSON.stringify(geojson)], { type: "application/json" });
  if (!contours.get(cle)?.adresse) attendus(cle).remplir(URL.createObjectURL(octets));
  parentElement.replaceChildren();
}

function attendus(cle) {
  if (!contours.has(cle)) {
    const attente = {};
    attente.promesse = new Promise((rendre) => {
      attente.remplir = (adresse) => rendre((attente.adresse = adresse));
    });
    contours.set(cle, attente);
  }
  return contours.get(cle);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const bloc = parentElement.querySelector(":scope > .bloc-figure") ?? poser(parentElement);
  const recu = JSON.parse(lecteur.decode(data));
  bloc.prevenir = setTriggerValue;
  bloc.legende.innerHTML = recu.legende;
  bloc.source.textContent = recu.source;
  if (recu.fichier && recu.fichier.numero !== bloc.fichier) telecharger(bloc, recu.fichier);
  bloc.cadre.hidden = !recu.dessin;
  if (recu.dessin) dessiner(bloc, recu);
  return () => {
    bloc.recu = null;
    bloc.veilleur.disconnect();
    bloc.remove();
    // Un dessin en cours chercherait encore ce que purge efface.
    const purger = () => Plotly.purge(bloc.figure);
    Promise.resolve(bloc.enCours).then(purger, purger);
  };
}

function element(balise, classe, parent) {
  const cree = document.createElement(balise);
  cree.className = classe;
  parent.append(cree);
  return cree;
}

function poser(parent) {
  const bloc = element("div", "bloc-figure", parent);
  bloc.cadre = element("div", "cadre-figure", bloc);
  bloc.figure = element("div", "figure", bloc.cadre);
  bloc.legende = element("div", "legende", bloc);
  bloc.source = element("p", "source", bloc);
  const outils = element("div", "outils", bloc);
  for (const [nom, icone, libelle] of OUTILS) {
    const bouton = element("button", `outil-${nom}`, outils);
    const dessin = element("span", "icone", bouton);
    dessin.textContent = icone;
    dessin.setAttribute("aria-hidden", "true");
    bouton.append(libelle);
    bouton.onclick = () => bloc.prevenir("outil", nom);
  }
  bloc.veilleur = new ResizeObserver(() => bloc.recu && tracer(bloc));
  bloc.veilleur.observe(bloc.cadre);
  return bloc;
}

async function dessiner(bloc, recu) {
  bloc.figure.setAttribute("aria-label", recu.texte);
  if (recu.dessin.rangs) {
    classer(bloc.figure, recu.dessin, (code) => bloc.prevenir("clic", code));
    return;
  }
  bloc.recu = recu;
  bloc.figure.setAttribute("role", "img");
  bloc.figure.style.height = recu.hauteur ? `${recu.hauteur}px` : "100%";
  if (recu.contours) {
    const adresse = await attendus(recu.contours).promesse;
    for (const trace of recu.dessin.data) if ("geojson" in trace) trace.geojson = adresse;
    if (bloc.recu !== recu) return;
  }
  bloc.taille = "";
  tracer(bloc);
}

function tracer(bloc) {
  const { data, layout } = bloc.recu.dessin;
  const { clientWidth: width, clientHeight: height } = bloc.figure;
  const taille = `${width} × ${height}`;
  if (!width || !height || taille === bloc.taille) return;
  bloc.taille = taille;
  const nouvelle = !bloc.figure.classList.contains("js-plotly-plot");
  bloc.enCours = Plotly.react(bloc.figure, data, { ...layout, width, height }, REGLAGES);
  if (nouvelle) bloc.figure.on("plotly_click", ({ points }) => cliquer(bloc, points[0]));
}

function cliquer(bloc, point) {
  const donnee = point.location ?? point.customdata;
  const code = Array.isArray(donnee) ? donnee[0] : donnee;
  if (code && bloc.recu.cliquable) bloc.prevenir("clic", String(code));
}

function telecharger(bloc, { numero, nom, mime, base64 }) {
  bloc.fichier = numero;
  const octets = Uint8Array.from(atob(base64), (lettre) => lettre.charCodeAt(0));
  const lien = document.createElement("a");
  lien.href = URL.createObjectURL(new Blob([octets], { type: mime }));
  lien.download = nom;
  lien.click();
  setTimeout(() => URL.revokeObjectURL(lien.href), 60_000);
}
