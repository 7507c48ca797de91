"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function themed(layout) {
    const axis = { gridcolor: colour("--grid"), linecolor: colour("--line"), zerolinecolor: colour("--grid") };
    const copy = structuredClone(layout);
    for (const key of Object.keys(copy)) {
      if (/^[xy]axis\d*$/.test(key)) copy[key] = { ...copy[key], ...axis };
    }
    copy.paper_bgcolor = copy.plot_bgcolor = "rgba(0,0,0,0)";
    copy.font = { ...copy.font, color: colour("--ink") };
    copy.hoverlabel = { ...copy.hoverlabel, bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--ink") } };
    copy.modebar = { bgcolor: "rgba(0,0,0,0)", color: colour("--soft"), activecolor: colour("--accent") };
    return copy;
  }

  const charts = [...document.querySelectorAll(".chart")].map((chart) => {
    const element = document.createElement("div");
    element.className = "live";
    element.style.height = `${chart.dataset.height}px`;
    chart.append(element);
    chart.classList.add("drawn");
    return { element, figure: JSON.parse(chart.querySelector("script").textContent) };
  });
  const draw = () => charts.forEach(({ element, figure }) => Plotly.react(element, figure.data, themed(figure.layout), figure.config));
  draw();
  dark.addEventListener("change", draw);
})();
