using System.Globalization;
using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>The process's one data source. Reads pass a gate that is smaller than the pool, so that a flood of reads
/// never takes the connection that a commit or the renewal of a lease needs. Safe from any thread: the data source is,
/// and the gate's counters are a semaphore and an interlocked number.</summary>
internal sealed class Connections : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source;
    private readonly SemaphoreSlim _reads;
    private readonly int _waitingMax;
    private int _waiting;

    internal Connections(PostgresOptions options)
    {
        var builder = new NpgsqlDataSourceBuilder(Runtime(options));
        // Also after a reconnect: the server may be another one by then.
        builder.UsePhysicalConnectionInitializer(ServerChecks.Check, ServerChecks.CheckAsync);
        _source = builder.Build();
        _reads = new SemaphoreSlim(options.ConnectionsMax - options.ConnectionsForCommits);
        _waitingMax = options.ReadsWaitingMax;
    }

    /// <summary>A connection for a commit, a lease or a load.</summary>
    internal ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellation) => _source.OpenConnectionAsync(cancellation);

    /// <summary>Runs a read in its share of the pool; a failed connection becomes <see
    /// cref="SyncErrorCode.LedgerUnavailable"/>. Cancelling ends the wait, not a read that began: it keeps its share until it
    /// ends.</summary>
    internal async ValueTask<T> ReadAsync<T>(
        Func<NpgsqlConnection, CancellationToken, ValueTask<T>> read, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _waiting) > _waitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw new SyncException(
                SyncErrorCode.Exhausted, $"{_waitingMax} reads wait for a connection to Postgres already", isTransient: true);
        }
        try
        {
            await _reads.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
        return await LeaveableAsync(ReleasingAsync(read), cancellation).ConfigureAwait(false);
    }

    /// <summary>Runs something that a lease or a commit waits for; failures as above.</summary>
    internal ValueTask<T> RunAsync<T>(
        Func<NpgsqlConnection, CancellationToken, ValueTask<T>> work, CancellationToken cancellation) =>
        LeaveableAsync(WorkAsync(work), cancellation);

    // Who gives up leaves alone, and what was begun goes on to its end, within the time-out of its statements: a statement
    // that is cancelled while the driver prepares it leaves a connection that answers all who come after wrongly.
    private static async ValueTask<T> LeaveableAsync<T>(Task<T> work, CancellationToken cancellation)
    {
        try
        {
            return await work.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!work.IsCompleted)
        {
            // Nobody is there to be told of its failure.
            _ = work.ContinueWith(
                static ended => ended.Exception, CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }
    }

    private async Task<T> ReleasingAsync<T>(Func<NpgsqlConnection, CancellationToken, ValueTask<T>> read)
    {
        try
        {
            return await WorkAsync(read).ConfigureAwait(false);
        }
        finally
        {
            _reads.Release();
        }
    }

    private async Task<T> WorkAsync<T>(Func<NpgsqlConnection, CancellationToken, ValueTask<T>> work)
    {
        try
        {
            var connection = await _source.OpenConnectionAsync(CancellationToken.None).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
                return await work(connection, CancellationToken.None).ConfigureAwait(false);
        }
        catch (NpgsqlException error)
        {
            throw Errors.Unavailable(error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync().ConfigureAwait(false);
        _reads.Dispose();
    }

    /// <summary>Statements stay prepared for the life of a connection while tables grow under them, so the planner
    /// must not choose by what the tables held at first: every statement here is a walk along an index, by
    /// design.</summary>
    private static string Runtime(PostgresOptions options) =>
        new NpgsqlConnectionStringBuilder(options.ConnectionString)
        {
            Pooling = true,
            MinPoolSize = 0,
            MaxPoolSize = options.ConnectionsMax,
            Timeout = Seconds(options.ConnectTimeout),
            CommandTimeout = Seconds(options.StatementTimeout + TimeSpan.FromSeconds(2)),
            CancellationTimeout = 2000,
            MaxAutoPrepare = 256,
            AutoPrepareMinUsages = 2,
            Enlist = false,
            NoResetOnClose = true,
            IncludeErrorDetail = false,
            PersistSecurityInfo = false,
            ApplicationName = "sync",
            // A page is a megabyte: fewer reads of the socket for it.
            ReadBufferSize = 32 * 1024,
            Options = string.Create(CultureInfo.InvariantCulture, $"""
                -c lock_timeout={Milliseconds(options.LockTimeout)} -c statement_timeout={Milliseconds(options.StatementTimeout)}
                 -c idle_in_transaction_session_timeout={Milliseconds(options.IdleInTransactionTimeout)}
                 -c tcp_user_timeout={Milliseconds(options.PeerTimeout)} -c jit=off -c plan_cache_mode=force_generic_plan
                 -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off
                """).ReplaceLineEndings(""),
        }.ConnectionString;

    private static int Seconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;
}
