namespace Sync.Nats;

/// <summary>TLS. When set on <see cref="NatsOpts.Tls"/> the connection never falls back to plain text.</summary>
public sealed record NatsTlsOpts
{
    /// <summary>PEM file with the authorities that may have signed the server's certificate.
    /// Null (default): the system's authorities.</summary>
    public string? CaFile { get; init; }

    /// <summary>PEM file with the client's certificate. Null (default): none.</summary>
    public string? CertFile { get; init; }

    /// <summary>PEM file with the key of <see cref="CertFile"/>. Null: the key is in the same file.</summary>
    public string? KeyFile { get; init; }
}
