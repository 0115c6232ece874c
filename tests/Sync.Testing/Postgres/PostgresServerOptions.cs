using System.Globalization;

namespace Sync.Testing.Postgres;

/// <summary>Settings of a test server. The defaults are as durable as production.</summary>
public sealed record PostgresServerOptions
{
    /// <summary>Default true: what is committed survives <see cref="PostgresServer.KillAsync"/>.</summary>
    public bool Fsync { get; init; } = true;

    /// <summary>Default 100 connections.</summary>
    public int ConnectionsMax { get; init; } = 100;

    /// <summary>An empty folder for the data, for instance a small disk of its own; null = a new one in the temp folder.</summary>
    public string? Folder { get; init; }

    /// <summary>An empty folder for the log of writes (pg_wal), which then has segments of 1 MiB; null = with the data.</summary>
    public string? WalFolder { get; init; }

    /// <summary>Further lines of postgresql.conf, name to value; they win over all others.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    internal IEnumerable<string> Lines(int port) =>
    [
        string.Create(CultureInfo.InvariantCulture, $"port = {port}"),
        "listen_addresses = '127.0.0.1'",
        "unix_socket_directories = ''",
        string.Create(CultureInfo.InvariantCulture, $"max_connections = {ConnectionsMax}"),
        $"fsync = {(Fsync ? "on" : "off")}",
        "shared_buffers = 32MB",
        .. Settings.Select(setting => $"{setting.Key} = '{Escape(setting.Value)}'"),
    ];

    private static string Escape(string value) => value.Replace("'", "''", StringComparison.Ordinal);
}
