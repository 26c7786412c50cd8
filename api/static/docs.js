"use strict";
// Shows /openapi.json, and lets each door be tried.  Text is only ever set as text.

const el = (name, text, ...children) => {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
};

const resolved = (schema, all) => (schema?.$ref ? all[schema.$ref.split("/").pop()] : schema) ?? {};

function shape(schema, all) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return either.map((each) => shape(each, all)).join(" | ");
  if (schema.type === "array") return `[${shape(schema.items ?? schema.prefixItems?.[0] ?? {}, all)}]`;
  if (schema.additionalProperties) return `{…: ${shape(schema.additionalProperties, all)}}`;
  return [schema.type ?? "anything", schema.format].filter(Boolean).join(", ");
}

function fields(schema, all) {
  const table = el("table", "", el("tr", "", el("th", "field"), el("th", "is"), el("th", "")));
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const must = schema.required?.includes(name) ? "required" : `default ${JSON.stringify(field.default)}`;
    table.append(el("tr", "", el("td", "", el("code", name)), el("td", shape(field, all)), el("td", must)));
  }
  return table;
}

function door(path, method, said, all) {
  const body = said.requestBody?.content["application/json"];
  const box = el("details");
  box.dataset.text = `${path} ${said.summary} ${said.description}`.toLowerCase();
  box.append(el("summary", "", el("code", `${method.toUpperCase()} ${path}`), el("span", said.description ?? said.summary)));
  if (said["x-roles"]) box.append(el("p", `For: ${said["x-roles"].join(", ")}`));
  for (const each of said.parameters ?? []) {
    box.append(el("div", "", el("code", each.name), ` (${each.in}) ${each.description}`));
  }
  if (body) box.append(fields(resolved(body.schema, all), all));
  const answers = Object.entries(said.responses ?? {}).map(([code, told]) => `${code}  ${told.description}`);
  box.append(el("details", "", el("summary", "Answers"), Object.assign(el("p", answers.join("\n")), { className: "answers" })));
  const text = el("textarea", body ? JSON.stringify(body.example, null, 2) : "");
  text.rows = text.value.split("\n").length + 1;
  const query = Object.assign(el("input"), { size: 40, placeholder: "?after=0&limit=10" });
  const answer = el("pre");
  const send = el("button", "Send");
  send.onclick = async () => {
    const token = document.getElementById("token").value.trim();
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    if (body) headers["Content-Type"] = "application/json";
    answer.textContent = "…";
    try {
      const told = await fetch(path + (body ? "" : query.value), { method, headers, body: body ? text.value : undefined });
      const content = await told.text();
      let shown = content;
      try { shown = JSON.stringify(JSON.parse(content), null, 2); } catch { /* not JSON */ }
      answer.textContent = `${told.status} ${told.statusText}\n${shown.slice(0, 20000)}`;
    } catch (wrong) { answer.textContent = String(wrong); }
  };
  box.append(body ? text : query, send, answer);
  return box;
}

fetch("/openapi.json").then((told) => told.json()).then((api) => {
  document.getElementById("about").textContent = api.info.description;
  const all = api.components.schemas;
  const sections = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, said] of Object.entries(methods)) {
      const tag = said.tags?.[0] ?? "other";
      if (!sections.has(tag)) sections.set(tag, el("section", "", el("h2", tag)));
      sections.get(tag).append(door(path, method, said, all));
    }
  }
  document.getElementById("doors").replaceChildren(...sections.values());
});

document.getElementById("find").oninput = (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const box of document.querySelectorAll("section > details")) {
    box.hidden = !box.dataset.text.includes(wanted);
  }
};
