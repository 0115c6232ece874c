using Sync.Access;
using Sync.Hosting;

namespace Sync.Http.Access;

/// <summary>Refusals of callers (docs/PROTOCOL.md, Access). They name action and target, never a token.</summary>
public static class AccessProblems
{
    /// <summary>The header that names the purpose of a request.</summary>
    public const string PurposeHeader = "Sync-Purpose";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    /// <summary>A good token that does not allow this.</summary>
    public static Problem Forbidden(AccessAction action, AccessTarget target) => new(
        403, "forbidden", "The token does not allow this",
        $"This needs {AccessIdentity.Needed(action, target)}. Ask for a token that has it; 'sync token create' makes one.");

    /// <summary>A token that was not let in.</summary>
    /// <param name="state">Anything but <see cref="AccessState.Granted"/>.</param>
    public static Problem Of(AccessState state) => state switch
    {
        AccessState.Missing => new(
            401, "token-missing", "A token is needed",
            "Send the header Authorization: Bearer with a token; 'sync token create' makes one."),
        AccessState.Expired => Invalid("It has expired. Use a new one."),
        AccessState.Revoked => Invalid("It was revoked. Use another one."),
        AccessState.Malformed => Invalid("Authorization must be Bearer, one space and the token as it was issued."),
        AccessState.WrongPurpose => new(
            403, "wrong-purpose", "The token is for another purpose",
            $"The token is for one purpose only. Name that purpose in the header {PurposeHeader}."),
        AccessState.Stale => new(
            503, "access-stale", "Tokens cannot be checked now",
            "Changes of tokens could not be read for too long, so nobody is let in. Repeat the request later.")
        {
            RetryAfter = RetryAfter,
        },
        _ => Invalid("Nobody knows it here. Check that it is whole and was issued for this system."),
    };

    /// <summary>A token where it would be logged.</summary>
    public static Problem InUrl { get; } = new(
        400, "token-in-url", "A token was sent in the URL",
        "URLs are kept in logs. Send it as the header Authorization: Bearer. Revoke the one that was sent, it may have been seen.");

    /// <summary>A ticket that opens nothing.</summary>
    public static Problem BadTicket { get; } = new(
        401, "ticket-invalid", "The ticket is not good",
        "A ticket is good once, for what it was made for, at the process that made it, for 30 s, as long as its token is. Get a new one: POST /v1/tickets.");

    /// <summary>Too many tickets.</summary>
    public static Problem TooManyTickets { get; } = new(
        503, "overloaded", "Too much is in flight", "Too many tickets were made within 30 s. Come back later.")
    {
        RetryAfter = StreamTickets.Lifetime,
    };

    /// <summary>What <c>WWW-Authenticate</c> says with a 401.</summary>
    internal static string ChallengeOf(Problem problem) =>
        problem.Code == "token-missing" ? "Bearer" : "Bearer error=\"invalid_token\"";

    private static Problem Invalid(string detail) => new(401, "token-invalid", "The token is not good", detail);
}
