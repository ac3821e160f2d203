// A broadcast server on node's `ws`: what one client says, all others get.
// usage: node ws.js PORT
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096, perMessageDeflate: false,
});
server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (data, binary) => {
    for (const other of server.clients) if (other !== socket) other.send(data, { binary });
  });
});
