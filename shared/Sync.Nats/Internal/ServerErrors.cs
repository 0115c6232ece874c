namespace Sync.Nats.Internal;

internal enum ServerErrorKind
{
    /// <summary>The connection stays.</summary>
    Notice,
    PermissionPublish,
    PermissionSubscribe,

    /// <summary>The server closes the connection.</summary>
    Authentication,
    Fatal,
}

/// <summary>What a -ERR text means. The protocol has no codes, so here, and only here, text decides.</summary>
internal static class ServerErrors
{
    private static readonly string[] AuthTexts =
    [
        "Authorization Violation", "Authentication Timeout", "Authorization Timeout", "User Authentication Expired",
        "User Authentication Revoked", "Account Authentication Expired",
    ];

    private static readonly string[] StayTexts =
        ["Invalid Subject", "Invalid Publish Subject", "Maximum Subscriptions Exceeded", "Message Header"];

    public static ServerErrorKind Classify(string text)
    {
        if (Starts(text, "Permissions Violation for Subscription"))
            return ServerErrorKind.PermissionSubscribe;
        if (Starts(text, "Permissions Violation"))
            return ServerErrorKind.PermissionPublish;
        if (Array.Exists(AuthTexts, t => Starts(text, t)))
            return ServerErrorKind.Authentication;
        return Array.Exists(StayTexts, t => Starts(text, t)) ? ServerErrorKind.Notice : ServerErrorKind.Fatal;
    }

    public static NatsException ToException(string text, ServerErrorKind kind) => new(
        kind switch
        {
            ServerErrorKind.PermissionPublish or ServerErrorKind.PermissionSubscribe => NatsError.PermissionDenied,
            ServerErrorKind.Authentication => NatsError.Authentication,
            _ when Starts(text, "Maximum Payload") => NatsError.PayloadTooLarge,
            _ when Starts(text, "Secure Connection") => NatsError.Tls,
            _ => NatsError.Protocol,
        },
        $"The server says: {text}");

    /// <summary>... to "subject" [using queue "group"] at a SUB; ... to "subject" (sid "1") when a reload takes the
    /// right away.</summary>
    public static (string? Subject, string? QueueGroup) Names(string text)
    {
        var parts = text.Split('"');
        var hasGroup = parts.Length > 3 && parts[2].Contains("queue", StringComparison.Ordinal);
        return (parts.Length > 1 ? parts[1] : null, hasGroup ? parts[3] : null);
    }

    private static bool Starts(string text, string start) => text.StartsWith(start, StringComparison.OrdinalIgnoreCase);
}
