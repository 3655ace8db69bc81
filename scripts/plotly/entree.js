// Le cœur de plotly.js porte déjà les nuages de points et les lignes.
import Plotly from "plotly.js/lib/core";
import bar from "plotly.js/lib/bar";
import choropleth from "plotly.js/lib/choropleth";
import scattergeo from "plotly.js/lib/scattergeo";

Plotly.register([bar, choropleth, scattergeo]);
export default Plotly;
