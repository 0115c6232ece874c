namespace Sync.Nats;

/// <summary>What the client shows to the server: user and password, or a token, or nothing. Never printed.</summary>
public sealed record NatsCredentials
{
    /// <summary>User name, or null.</summary>
    public string? Username { get; init; }

    /// <summary>Password, or null.</summary>
    public string? Password { get; init; }

    /// <summary>Token, or null.</summary>
    public string? Token { get; init; }

    /// <summary>The user name only.</summary>
    /// <returns>Text without secrets.</returns>
    public override string ToString() => $"NatsCredentials {{ Username = {Username} }}";
}
