namespace Sync.Nats.Internal;

/// <summary>One server of the pool. Value part is fixed; the failure marks are the connection loop's.</summary>
internal sealed class ServerAddress
{
    private const int DefaultPort = 4222;

    public required string Host { get; init; }
    public required int Port { get; init; }
    public required bool Tls { get; init; }
    public NatsCredentials? Credentials { get; init; }

    /// <summary>False: told by a server, and dropped when no server tells it any more.</summary>
    public bool IsSeed { get; init; } = true;

    /// <summary>Name that the certificate has to carry; the seed's name for an IP address that came by INFO.</summary>
    public required string TlsName { get; init; }

    public string? LastAuthError { get; set; }

    public string Key => $"{Host}:{Port}";

    public override string ToString() => $"{(Tls ? "tls" : "nats")}://{Key}";

    public static List<ServerAddress> ParseList(string urls)
    {
        var list = urls.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(url => Parse(url)).ToList();
        return list.Count is > 0 and <= 1000
            ? list
            : throw new NatsException(NatsError.InvalidOptions,
                $"NatsOpts.Url names {list.Count} servers; must be 1..1000");
    }

    public static ServerAddress Parse(string url, ServerAddress? discoveredBy = null)
    {
        var text = url.Contains("://", StringComparison.Ordinal) ? url : "nats://" + url;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("nats" or "tls")
            || uri.Host.Length == 0)
            throw new NatsException(NatsError.InvalidOptions,
                $"NatsOpts.Url: '{Redact(url)}' is not nats://host:port or tls://host:port");
        var host = uri.DnsSafeHost;
        var isIp = uri.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6;
        return new ServerAddress
        {
            Host = host,
            Port = uri.IsDefaultPort || uri.Port < 0 ? DefaultPort : uri.Port,
            Tls = uri.Scheme == "tls" || discoveredBy?.Tls == true,
            Credentials = ParseCredentials(uri.UserInfo) ?? discoveredBy?.Credentials,
            IsSeed = discoveredBy is null,
            TlsName = isIp && discoveredBy is not null ? discoveredBy.TlsName : host,
        };
    }

    /// <summary>The addresses without user and password, for logs.</summary>
    public static string Redact(string urls) => string.Join(',', urls.Split(',').Select(RedactOne));

    private static string RedactOne(string url)
    {
        var at = url.LastIndexOf('@');
        if (at < 0)
            return url;
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        return (scheme >= 0 && scheme < at ? url[..(scheme + 3)] : "") + "***@" + url[(at + 1)..];
    }

    private static NatsCredentials? ParseCredentials(string userInfo)
    {
        if (userInfo.Length == 0)
            return null;
        var colon = userInfo.IndexOf(':', StringComparison.Ordinal);
        return colon < 0
            ? new NatsCredentials { Token = Uri.UnescapeDataString(userInfo) }
            : new NatsCredentials
            {
                Username = Uri.UnescapeDataString(userInfo[..colon]),
                Password = Uri.UnescapeDataString(userInfo[(colon + 1)..]),
            };
    }
}
