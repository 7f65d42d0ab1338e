// A folder of this machine as a flash under MicroPython, so that what lies on it outlives a pulled plug.
// `changes` is asked before each change, with what is about to be done: it may cut the power then.

import fs from "node:fs";

const ENOENT = 44;

export function hostFlash(FS, root, changes) {
  const where = (node) => {
    const parts = [];
    for (; node.parent !== node; node = node.parent) parts.unshift(node.name);
    return [root, ...parts].join("/");
  };
  const mode = (path) => fs.statSync(path).mode;
  const type = {
    mount: () => type.node(null, "/", mode(root)),
    node: (parent, name, bits) => Object.assign(FS.createNode(parent, name, bits, 0), { node_ops, stream_ops }),
  };
  const node_ops = {
    getattr: (node) => {
      const { mode, size, atime, mtime, ctime } = fs.statSync(where(node));
      return { dev: 1, ino: node.id, mode, nlink: 1, uid: 0, gid: 0, rdev: 0, size, atime, mtime, ctime, blksize: 4096, blocks: 1 };
    },
    setattr: (node, wanted) => {
      if (wanted.size === undefined) return;
      changes();
      fs.truncateSync(where(node), wanted.size);
    },
    lookup: (parent, name) => {
      const path = `${where(parent)}/${name}`;
      if (!fs.existsSync(path)) throw new FS.ErrnoError(ENOENT);
      return type.node(parent, name, mode(path));
    },
    mknod: (parent, name, bits) => {
      const node = type.node(parent, name, bits);
      changes();
      if (FS.isDir(bits)) fs.mkdirSync(where(node));
      else fs.writeFileSync(where(node), "");
      return node;
    },
    rename: (node, parent, name) => {
      changes();
      fs.renameSync(where(node), `${where(parent)}/${name}`);
      node.name = name;
    },
    unlink: (parent, name) => {
      changes();
      fs.unlinkSync(`${where(parent)}/${name}`);
    },
    rmdir: (parent, name) => {
      changes();
      fs.rmdirSync(`${where(parent)}/${name}`);
    },
    readdir: (node) => [".", "..", ...fs.readdirSync(where(node))],
  };
  const stream_ops = {
    open: (stream) => {
      stream.own = fs.openSync(where(stream.node), FS.flagsToPermissionString(stream.flags).includes("w") ? "r+" : "r");
    },
    close: (stream) => fs.closeSync(stream.own),
    read: (stream, buffer, offset, length, position) => fs.readSync(stream.own, buffer, offset, length, position),
    write: (stream, buffer, offset, length, position) => {
      changes(() => fs.writeSync(stream.own, buffer, offset, length >> 1, position));
      return fs.writeSync(stream.own, buffer, offset, length, position);
    },
    llseek: (stream, offset, whence) => {
      if (whence === 1) return stream.position + offset;
      return whence === 2 ? fs.fstatSync(stream.own).size + offset : offset;
    },
  };
  return type;
}
