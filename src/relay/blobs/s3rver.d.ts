declare module "@20minutes/s3rver" {
  import type { AddressInfo } from "node:net";

  /** An S3 server by others, in this process; its one account is S3RVER with the secret S3RVER. */
  export default class S3rver {
    constructor(options: {
      readonly address: string;
      readonly port: number;
      readonly silent: boolean;
      readonly directory: string;
      readonly vhostBuckets: boolean;
      readonly configureBuckets: readonly { readonly name: string }[];
    });
    run(): Promise<AddressInfo>;
    close(): Promise<void>;
  }
}
