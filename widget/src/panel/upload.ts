import type { HubFile } from "../wire.ts";
import { Refused } from "./link.ts";
import { kept } from "./storage.ts";

/** Files go up and come down with the visitor's token, so no address of a file is worth anything alone. */
export const bearer = (token = kept("token")) => `Bearer ${token}`;

/** By XMLHttpRequest, the one way that tells how far it is. */
export function upload(file: File, contact: string, progress: (share: number) => void, token?: string): Promise<HubFile> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/widget/files");
    request.responseType = "json";
    request.setRequestHeader("Authorization", bearer(token));
    request.setRequestHeader("X-Contact", contact);
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / (total || 1));
    request.onerror = request.onabort = () => reject(new Refused("timeout"));
    request.onload = () => {
      if (request.status < 300) return resolve(request.response.file);
      const error = request.response?.error;
      reject(new Refused(error?.code ?? (request.status < 500 ? "file.refused" : "store.busy"), error?.details));
    };
    request.send(file);
  });
}
