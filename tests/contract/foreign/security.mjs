// How the server protects connections and lets users in, from the JSON that its third argument is. Without it there is
// one endpoint, without security, for anonymous users.
//
//   {"modes": ["SignAndEncrypt"],          MessageSecurityMode of the endpoints; default None
//    "policies": ["Basic256Sha256"],       security policies of the endpoints; default None
//    "users": {"name": "password"},        who may sign in; without it only anonymous users may
//    "tokens": [["id", "Basic256Sha256"]], user token policies of every endpoint, each with its security policy, or
//                                          null for that of the endpoint; default node-opcua's own
//    "refuse": ["id"],                     user token policies that are answered with BadIdentityTokenRejected
//    "trust": false,                       the certificates of clients are not trusted; default true
//    "uri": "urn:…"}                       the server's application URI; default node-opcua's own

import { createHash } from "node:crypto";

const OPEN = { modes: ["None"], policies: ["None"], users: null, tokens: null, refuse: [], trust: true, uri: null };

export class Security {
  // What each client signed in with: {policy, clear}, the id of its user token policy and whether the password could
  // be read on the channel. A channel without encryption shows what the token does not hide.
  signIns = [];

  constructor(opcua, wanted) {
    this.opcua = opcua;
    this.wanted = { ...OPEN, ...wanted };
  }

  get options() {
    const { MessageSecurityMode, SecurityPolicy } = this.opcua;
    const { modes, policies, users, uri } = this.wanted;
    return {
      securityModes: modes.map((mode) => MessageSecurityMode[mode]),
      securityPolicies: policies.map((policy) => SecurityPolicy[policy]),
      allowAnonymous: !users,
      ...(uri ? { serverInfo: { applicationUri: uri } } : {}),
      userManager: { isValidUser: (name, password) => Boolean(users) && users[name] === password },
    };
  }

  // Called once the server has its endpoints, before it starts.
  apply(server) {
    const { MessageSecurityMode, SecurityPolicy, StatusCodes, UserTokenPolicy, UserTokenType } = this.opcua;
    const { tokens, refuse, users } = this.wanted;
    if (tokens) {
      const userIdentityTokens = tokens.map(([policyId, policy]) => {
        const securityPolicyUri = policy && (SecurityPolicy[policy] ?? policy);
        return new UserTokenPolicy({ policyId, tokenType: UserTokenType.UserName, securityPolicyUri });
      });
      for (const endpoint of server.endpoints) {
        for (const description of endpoint.endpointDescriptions()) description.userIdentityTokens = userIdentityTokens;
      }
    }
    const valid = server.isValidUserNameIdentityToken.bind(server);
    server.isValidUserNameIdentityToken = (channel, session, policy, token, signature, callback) => {
      const readable = Object.values(users ?? {}).includes(token.password?.toString());
      const clear = readable && channel.securityMode !== MessageSecurityMode.SignAndEncrypt;
      this.signIns.push({ policy: policy.policyId, clear });
      if (refuse.includes(policy.policyId)) return callback(null, StatusCodes.BadIdentityTokenRejected);
      return valid(channel, session, policy, token, signature, callback);
    };
  }

  thumbprint(server) {
    return createHash("sha256").update(server.getCertificate()).digest("hex");
  }
}
