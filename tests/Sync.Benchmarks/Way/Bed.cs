using System.Globalization;
using Npgsql;
using Sync.Benchmarks.Bulk;
using Sync.Client;
using Sync.Testing.Nats;
using Sync.Testing.Postgres;
using Sync.Testing.Processes;

namespace Sync.Benchmarks.Way;

/// <summary>Everything that a run needs beside the one who measures: a durable Postgres, a broker, and on demand the writer, the
/// yardstick's service, the follower and the bare receiver, each a process of its own.</summary>
internal sealed class Bed : IAsyncDisposable
{
    private static readonly string[] Shown =
        ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "autovacuum"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sync-way-");
    private readonly PostgresServer _postgres;
    private readonly List<IAsyncDisposable> _parts = [];

    private Bed(PostgresServer postgres, NatsServer nats, string database)
    {
        (_postgres, Nats, Database) = (postgres, nats, database);
        _parts.AddRange([postgres, nats]);
        VisibleFile = Path.Combine(_folder.FullName, "visible");
        CommittedFile = Path.Combine(_folder.FullName, "committed");
        BareFile = Path.Combine(_folder.FullName, "bare");
        (Visible, Committed, Received) = (Board.Create(VisibleFile), Board.Create(CommittedFile), Board.Create(BareFile));
    }

    public NatsServer Nats { get; }

    public string Database { get; }

    /// <summary>When each sequence of the followed key became visible in the follower.</summary>
    public Board Visible { get; }

    /// <summary>When the commit of each sequence of the followed key returned in the timed writer.</summary>
    public Board Committed { get; }

    /// <summary>When each bare message was received.</summary>
    public Board Received { get; }

    private string VisibleFile { get; }

    private string CommittedFile { get; }

    private string BareFile { get; }

    /// <param name="rows">Facts that the ledger has before anything runs; see <see cref="Prefill"/>.</param>
    public static async Task<Bed> MakeAsync(long rows = 0)
    {
        var postgres = await PostgresServer.CreateAsync(new PostgresServerOptions
        {
            Settings = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["shared_buffers"] = "1GB",
                ["max_wal_size"] = "16GB",
                ["checkpoint_timeout"] = "1h",
            },
        });
        var bed = new Bed(postgres, await NatsServer.StartAsync(), await postgres.CreateDatabaseAsync("way"));
        await PlainTable.CreateAsync(bed.Database);
        if (rows > 0) await Prefill.LedgerAsync(bed.Database, Records.Vault, Records.Collection, rows);
        return bed;
    }

    /// <summary>The writer as it ships.</summary>
    public Task<Part> WriterAsync() => ServeAsync(ServiceStart.Service("Sync.Writer"), []);

    /// <summary>The writer with a clock behind its store.</summary>
    public Task<Part> TimedWriterAsync(int key) => ServeAsync(Own("timed-writer"),
        ["--key", Text(key), "--board", CommittedFile, "--database", Database]);

    public async Task<Part> PlainDoorAsync()
    {
        var url = NewUrl();
        return await ReadyAsync("plain", url, "--url", url, "--database", Database);
    }

    public Task<Part> FollowerAsync(Part writer, int key) =>
        ReadyAsync("follow", "", "--nats", Nats.Url, "--writer", writer.Url, "--key", Text(key), "--board", VisibleFile);

    public Task<Part> ReceiverAsync() => ReadyAsync("receive", "", "--nats", Nats.Url, "--board", BareFile);

    public SyncClient Client(Part door, int lanes = 4) =>
        new(new SyncClientOptions { Writers = [door.Url], Producer = "bench:load", Lanes = lanes });

    /// <summary>Of the database with all its backends.</summary>
    public double PostgresCpu() =>
        ProcessTree.CpuSeconds(int.Parse(
            File.ReadLines(Path.Combine(_postgres.DataFolder, "postmaster.pid")).First(), CultureInfo.InvariantCulture));

    public async Task<long> CountAsync(string table)
    {
        await using var source = NpgsqlDataSource.Create(Database);
        await using var command = source.CreateCommand($"select count(*) from {table}");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Tells how the database is set and how large its tables are.</summary>
    public async Task DescribeAsync(Report report)
    {
        await using var source = NpgsqlDataSource.Create(Database);
        await using var settings = source.CreateCommand(
            "select string_agg(name || ' = ' || current_setting(name), ', ') from unnest($1) name");
        settings.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = Shown });
        report.Condition("Postgres", (string)(await settings.ExecuteScalarAsync())!);
        await using var sizes = source.CreateCommand("""
            select n.nspname || '.' || c.relname, greatest(
                pg_total_relation_size(c.oid),
                (select sum(pg_total_relation_size(relid)) from pg_partition_tree(c.oid)))::bigint
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and not c.relispartition and c.relname in ('fact', 'record', 'idempotency', 'head')
                and n.nspname not in ('pg_catalog', 'information_schema')
            order by 1
            """);
        await using var reader = await sizes.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var table = reader.GetString(0);
            var mebibytes = reader.GetInt64(1) / 1048576.0;
            var rows = await CountAsync(table);
            report.Condition(table, string.Create(CultureInfo.InvariantCulture, $"{rows:N0} rows, {mebibytes:N0} MiB"));
        }
    }

    public async ValueTask DisposeAsync()
    {
        for (var index = _parts.Count - 1; index >= 0; index--) await _parts[index].DisposeAsync();
        Visible.Dispose();
        Committed.Dispose();
        Received.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task<Part> ServeAsync(ServiceStart start, string[] arguments)
    {
        var url = NewUrl();
        var process = Start(start with
        {
            Arguments = [.. start.Arguments, .. arguments],
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["Sync__Access__Open"] = "true",
                ["Sync__Writer__Urls"] = url,
                ["Sync__Postgres__ConnectionString"] = Database,
                ["Sync__Postgres__MigratorConnectionString"] = Database,
                ["Sync__Nats__Url"] = Nats.Url,
                // The runtime settings of the shipped writer, also where it runs inside this program.
                ["DOTNET_gcServer"] = "1",
                ["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0",
            },
        });
        await process.WaitForHttpOkAsync(new Uri(url + "/readyz"));
        return new Part(process.Id, url);
    }

    private async Task<Part> ReadyAsync(string mode, string url, params string[] arguments)
    {
        var start = Own(mode);
        var process = Start(start with { Arguments = [.. start.Arguments, .. arguments] });
        await process.WaitForLineAsync("ready");
        return new Part(process.Id, url);
    }

    private ServiceProcess Start(ServiceStart start)
    {
        var process = ServiceProcess.Start(start);
        _parts.Add(process);
        return process;
    }

    private static ServiceStart Own(string mode) =>
        new("dotnet") { Arguments = [typeof(Bed).Assembly.Location, mode] };

    private static string NewUrl() => $"http://127.0.0.1:{Text(Ports.Free())}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A process that runs. <paramref name="Url"/> is empty when it serves none.</summary>
internal sealed record Part(int Id, string Url)
{
    public double Cpu() => CpuTimes.Of(Id);
}
