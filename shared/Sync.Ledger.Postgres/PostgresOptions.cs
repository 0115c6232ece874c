using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>How to reach the ledger's database, and the limits of doing so. One data source a process is made from
/// it.</summary>
public sealed record PostgresOptions
{
    /// <summary>Npgsql connection string of the runtime role. Pool, time-outs and session settings in it are replaced
    /// by the members below. Never logged. Required.</summary>
    public string ConnectionString { get; init; } = "";

    /// <summary>Connection string of the owner role: migrations run with it at start. Null (default): the schema must
    /// be there already in the right version, and the runtime role needs no DDL.</summary>
    public string? OwnerConnectionString { get; init; }

    /// <summary>Feeds of a ledger that is created now; an existing one keeps its number. Default 8; 1..1024.</summary>
    public int Feeds { get; init; } = Sync.Contracts.Feeds.CountDefault;

    /// <summary>Role that gets the rights of a writer process at migration, when it exists. Default
    /// <c>sync_runtime</c>.</summary>
    public string RuntimeRole { get; init; } = "sync_runtime";

    /// <summary>Role that gets the right to read at migration, when it exists. Default <c>sync_read</c>.</summary>
    public string ReadRole { get; init; } = "sync_read";

    /// <summary>Most connections of the process. max_connections of the server must cover processes times this, and a
    /// reserve. Default 10; 2..1000.</summary>
    public int ConnectionsMax { get; init; } = 10;

    /// <summary>Of these, how many reads never take, so that commits and renewals of leases find one. Default 3;
    /// 1..ConnectionsMax - 1.</summary>
    public int ConnectionsForCommits { get; init; } = 3;

    /// <summary>Most reads that wait for a connection; the next is refused as exhausted. Default 1,000;
    /// 1..100000.</summary>
    public int ReadsWaitingMax { get; init; } = 1000;

    /// <summary>Longest wait for a new connection. Default 5 s; 1 s..1 min.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest time of one statement, by the server's clock; the client gives up 2 s after that. Default 10
    /// s; 100 ms..10 min.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest wait for a row's lock. Default 3 s; 10 ms..10 min.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>After this the server ends a session that holds a transaction and sends nothing: a stopped process
    /// frees the feed's row. Default 2 s; 100 ms..1 min.</summary>
    public TimeSpan IdleInTransactionTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>After this much silence of the other machine the server drops the connection. Default 10 s; 1 s..10
    /// min.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Refuses unusable values.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: each wrong key with its value, range and
    /// unit.</exception>
    public void Validate()
    {
        var wrong = new List<string>();
        if (string.IsNullOrWhiteSpace(ConnectionString)) wrong.Add("Sync:Postgres:ConnectionString is missing");
        else if (!IsReadable(ConnectionString)) wrong.Add("Sync:Postgres:ConnectionString cannot be read");
        if (OwnerConnectionString is not null && !IsReadable(OwnerConnectionString))
            wrong.Add("Sync:Postgres:OwnerConnectionString cannot be read");
        CheckRole(nameof(RuntimeRole), RuntimeRole);
        CheckRole(nameof(ReadRole), ReadRole);
        Check(nameof(Feeds), Feeds, 1, Contracts.Feeds.CountMax, "feeds");
        Check(nameof(ConnectionsMax), ConnectionsMax, 2, 1000, "connections");
        Check(nameof(ConnectionsForCommits), ConnectionsForCommits, 1, ConnectionsMax - 1, "connections");
        Check(nameof(ReadsWaitingMax), ReadsWaitingMax, 1, 100_000, "reads");
        CheckTime(nameof(ConnectTimeout), ConnectTimeout, 1000, 60_000);
        CheckTime(nameof(StatementTimeout), StatementTimeout, 100, 600_000);
        CheckTime(nameof(LockTimeout), LockTimeout, 10, 600_000);
        CheckTime(nameof(IdleInTransactionTimeout), IdleInTransactionTimeout, 100, 60_000);
        CheckTime(nameof(PeerTimeout), PeerTimeout, 1000, 600_000);
        if (wrong.Count > 0) throw new SyncException(SyncErrorCode.Invalid, string.Join("; ", wrong));

        void Check(string name, long value, long min, long max, string unit)
        {
            if (value < min || value > max) wrong.Add($"Sync:Postgres:{name} is {value}; must be {min}..{max} {unit}");
        }

        void CheckTime(string name, TimeSpan value, long min, long max)
        {
            if (value.TotalMilliseconds < min || value.TotalMilliseconds > max)
                wrong.Add($"Sync:Postgres:{name} is {value}; must be {min}..{max} milliseconds");
        }

        void CheckRole(string name, string role)
        {
            if (role.Length is 0 or > 63 || role.Any(char.IsControl))
                wrong.Add($"Sync:Postgres:{name} must be 1..63 printable characters");
        }
    }

    /// <summary>The members without the secrets.</summary>
    public override string ToString() =>
        $"Postgres (connections {ConnectionsMax}, statement {StatementTimeout}, lock {LockTimeout})";

    // The builder's own message may quote what it could not read, a password among it.
    private static bool IsReadable(string text)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(text).Host is { Length: > 0 };
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
