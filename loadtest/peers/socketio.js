// A broadcast server on Socket.IO: what one client says, all others get.
// usage: node socketio.js PORT
const http = require("http");
const { Server } = require("socket.io");

const web = http.createServer();
const server = new Server(web, { transports: ["websocket"], serveClient: false, perMessageDeflate: false });
server.on("connection", (socket) => socket.on("say", (text) => socket.broadcast.emit("said", text)));
web.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });
