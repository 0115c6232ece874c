using Microsoft.AspNetCore.Http;
using Sync.Access;

namespace Sync.Http.Access;

/// <summary>Who asks, for handlers.</summary>
public static class AccessContext
{
    /// <summary>The identity that the request was let in with.</summary>
    /// <exception cref="InvalidOperationException">The route lets anybody in: nobody was asked.</exception>
    public static AccessIdentity Identity(this HttpContext context) =>
        context?.Features.Get<AccessIdentity>()
            ?? throw new InvalidOperationException("The route takes requests without a token.");
}
