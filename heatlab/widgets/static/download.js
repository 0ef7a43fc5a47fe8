// A link that asks the kernel for the file when it is clicked and hands it to the browser.
function render({ model, el }) {
  const link = document.createElement("button");
  link.type = "button";
  link.className = "hl-link hl-download";
  const draw = () => {
    link.textContent = model.get("label");
    link.title = model.get("name");
  };
  const hear = (message, buffers) => {
    if (!message.file) return;
    const address = URL.createObjectURL(new Blob([buffers[0]], { type: model.get("mime") }));
    const anchor = document.createElement("a");
    anchor.href = address;
    anchor.download = model.get("name");
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  };
  const click = () => model.send({ need: "file" });
  link.addEventListener("click", click);
  model.on("msg:custom", hear);
  model.on("change", draw);
  el.append(link);
  draw();
  return () => {
    model.off("msg:custom", hear);
    model.off("change", draw);
  };
}

export default { render };
