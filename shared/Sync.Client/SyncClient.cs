using System.Buffers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sync.Client.Internal;
using Sync.Client.Writes;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;
using Sync.Transport;

namespace Sync.Client;

/// <summary>What a service uses: writes with idempotency, reads, replicas. One per process; safe from any thread.
/// START HERE.</summary>
public sealed class SyncClient : IAsyncDisposable
{
    private static readonly byte[] Nil = [0xc0];
    private readonly SyncClientOptions _options;
    private readonly SyncSchemas _schemas;
    private readonly TimeProvider _time;
    private readonly UuidV7Source _ids = new();
    private readonly ILoggerFactory _logs;
    private readonly HttpClient _http;
    private readonly WriteLanes _lanes;
    private readonly Func<Task<(IBus Bus, bool IsMine)>>? _connect;
    private readonly Producer _producer;
    private readonly Lock _gate = new();
    private Task<ReplicaSide>? _replicas;
    private bool _disposed;

    /// <summary>A client that connects to the broker when the first replica is opened.</summary>
    /// <param name="options">Where the writers are, and the limits.</param>
    /// <param name="broker">For replicas; null = none can be opened.</param>
    /// <param name="schemas">The models; null = each call names its schema.</param>
    /// <param name="logs">Null = nowhere.</param>
    /// <param name="time">Null = the system's.</param>
    /// <param name="http">Null = pooled connections of its own. Stays the caller's.</param>
    /// <exception cref="SyncException">An option is refused.</exception>
    public SyncClient(
        SyncClientOptions options, BusOptions? broker = null, SyncSchemas? schemas = null, ILoggerFactory? logs = null,
        TimeProvider? time = null, HttpMessageHandler? http = null)
        : this(options, broker is null ? null : async () => (await SyncBus.ConnectAsync(broker, logs, time).ConfigureAwait(false), true),
            schemas, logs, time, http) => broker?.Validate();

    /// <summary>A client on a bus that is there already and stays the caller's; otherwise as above.</summary>
    public SyncClient(
        SyncClientOptions options, IBus bus, SyncSchemas? schemas = null, ILoggerFactory? logs = null,
        TimeProvider? time = null, HttpMessageHandler? http = null)
        : this(options, () => Task.FromResult((bus, false)), schemas, logs, time, http)
    {
    }

    private SyncClient(
        SyncClientOptions options, Func<Task<(IBus, bool)>>? connect, SyncSchemas? schemas, ILoggerFactory? logs,
        TimeProvider? time, HttpMessageHandler? http)
    {
        var wrong = string.Join("; ", options.Validate());
        if (wrong.Length > 0) throw new SyncException(SyncErrorCode.Invalid, wrong);
        (_options, _connect, _schemas) = (options, connect, schemas ?? new SyncSchemas());
        (_time, _logs) = (time ?? TimeProvider.System, logs ?? NullLoggerFactory.Instance);
        _producer = Producer.FromText(options.Producer);
        _http = new HttpClient(BearerHandler.Over(http ?? NewHandler(options), options, _time), disposeHandler: http is null)
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        Writer = new WriterApi(_http, options);
        var log = _logs.CreateLogger<SyncClient>();
        _lanes = new WriteLanes(new HttpBatchSender(_http, options, _time, log), options, _time, new Random(), log);
    }

    /// <summary>Reads over HTTP.</summary>
    public WriterApi Writer { get; }

    /// <summary>Writes that wait or are under way.</summary>
    public int QueuedWrites => _lanes.Queued;

    /// <summary>Commits one change and says which of the three outcomes it had. Without an idempotency key it gets one, and every
    /// retry carries it, so it commits once. Calls for one key are committed in the order of the calls.</summary>
    /// <param name="command">The change. Its value is not read after the task completed.</param>
    /// <param name="cancellation">Takes the write out while it waits to be sent; later it ends the wait only, and the write may be
    /// committed.</param>
    /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
    public Task<WriteResult> WriteAsync(WriteCommand command, CancellationToken cancellation = default)
    {
        if (CheckNames(command) is { } wrong)
            return Task.FromResult<WriteResult>(new WriteResult.Refused(new Refusal(RefusalCode.InvalidName, wrong)));
        command = command with
        {
            IdempotencyKey = command.IdempotencyKey ?? _ids.Next(Timestamp.From(_time.GetUtcNow())).ToString(),
            Producer = command.Producer == Producer.Anonymous ? _producer : command.Producer,
        };
        return _lanes.WriteAsync(command, cancellation);
    }

    /// <summary>Commits a value.</summary>
    /// <param name="vault">The vault.</param>
    /// <param name="collection">The collection.</param>
    /// <param name="key">The key.</param>
    /// <param name="value">The full object.</param>
    /// <param name="expected">Commit only if this is the key's last sequence; <see cref="Sequence.None"/> = no fact ever; null = any.</param>
    /// <param name="schema">Null = the one registered for the type.</param>
    /// <param name="cancellation">As for <see cref="WriteAsync"/>.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Refused"/> with the <see cref="Refusal"/>, or
    /// <see cref="SyncErrorCode.UnknownOutcome"/>.</exception>
    public async Task<Receipt> PutAsync<T>(
        string vault, string collection, string key, T value, Sequence? expected = null, SyncSchema<T>? schema = null,
        CancellationToken cancellation = default)
    {
        schema ??= _schemas.Of<T>();
        var bytes = new ArrayBufferWriter<byte>();
        schema.Write(value, bytes);
        return Committed(await WriteAsync(new WriteCommand
        {
            Key = new SyncedKey(vault, collection, key),
            Op = ChangeOp.Put,
            Value = bytes.WrittenMemory,
            SchemaVersion = schema.Version.Text is null ? SchemaVersion.Default : schema.Version,
            Expected = expected,
        }, cancellation).ConfigureAwait(false));
    }

    /// <summary>Commits a tombstone; otherwise as <see cref="PutAsync"/>. Without a live record it is refused.</summary>
    public async Task<Receipt> DeleteAsync(
        string vault, string collection, string key, Sequence? expected = null, CancellationToken cancellation = default) =>
        Committed(await WriteAsync(new WriteCommand
        {
            Key = new SyncedKey(vault, collection, key),
            Op = ChangeOp.Delete,
            Value = Nil,
            Expected = expected,
        }, cancellation).ConfigureAwait(false));

    /// <summary>Appends an event to a History: it is never changed or deleted. The first write of a collection makes it a
    /// History or a Store.</summary>
    /// <param name="vault">The vault.</param>
    /// <param name="collection">The collection.</param>
    /// <param name="value">The event.</param>
    /// <param name="key">The event's own key; null = its fact's id (<see cref="Receipt.Key"/> tells).</param>
    /// <param name="causation">The fact that caused it; null = none.</param>
    /// <param name="schema">Null = the one registered for the type.</param>
    /// <param name="cancellation">As for <see cref="WriteAsync"/>.</param>
    /// <exception cref="SyncException">As for <see cref="PutAsync"/>; with <see cref="RefusalCode.WrongShape"/> when the
    /// collection is a Store or the key holds another event.</exception>
    public async Task<Receipt> AppendAsync<T>(
        string vault, string collection, T value, string? key = null, FactId? causation = null, SyncSchema<T>? schema = null,
        CancellationToken cancellation = default)
    {
        schema ??= _schemas.Of<T>();
        var bytes = new ArrayBufferWriter<byte>();
        schema.Write(value, bytes);
        return Committed(await WriteAsync(new WriteCommand
        {
            Key = new SyncedKey(vault, collection, key ?? ""),
            Op = ChangeOp.Append,
            Value = bytes.WrittenMemory,
            SchemaVersion = schema.Version.Text is null ? SchemaVersion.Default : schema.Version,
            Causation = causation,
        }, cancellation).ConfigureAwait(false));
    }

    /// <summary>Opens a replica: it keeps the key's value in step until it is disposed.</summary>
    /// <exception cref="SyncException">The client has no bus, a name is wrong, or the bus is unavailable.</exception>
    public Task<Replica<T>> ReplicaAsync<T>(
        string vault, string collection, string key, SyncSchema<T>? schema = null, CancellationToken cancellation = default) =>
        ReplicaAsync(
            new ReplicaOptions<T> { Key = new SyncedKey(vault, collection, key), Schema = schema ?? _schemas.Of<T>() }, cancellation);

    /// <summary>Opens a replica with all its options.</summary>
    /// <exception cref="SyncException">As above.</exception>
    public async Task<Replica<T>> ReplicaAsync<T>(ReplicaOptions<T> options, CancellationToken cancellation = default)
    {
        var side = await ReplicasAsync().WaitAsync(cancellation).ConfigureAwait(false);
        return await side.Hub.OpenAsync(options, cancellation).ConfigureAwait(false);
    }

    /// <summary>Opens a replica of a whole collection: what changes in it is kept in step until it is disposed.</summary>
    /// <exception cref="SyncException">The client has no bus, a name is wrong, or the bus is unavailable.</exception>
    public Task<CollectionReplica<T>> CollectionAsync<T>(
        string vault, string collection, SyncSchema<T>? schema = null, CancellationToken cancellation = default) =>
        CollectionAsync(OptionsOf(SyncedPattern.OfCollection(vault, collection), schema), cancellation);

    /// <summary>Opens a replica of all collections of a vault, those to come included; one schema must read them all
    /// (<c>SyncSchema.Raw</c> and <c>SyncSchema.Document</c> do).</summary>
    /// <exception cref="SyncException">As above.</exception>
    public Task<CollectionReplica<T>> VaultAsync<T>(
        string vault, SyncSchema<T>? schema = null, CancellationToken cancellation = default) =>
        CollectionAsync(OptionsOf(SyncedPattern.OfVault(vault), schema), cancellation);

    /// <summary>Opens a replica of one collection in all shards of a group, new ones included.</summary>
    /// <exception cref="SyncException">As above.</exception>
    public Task<CollectionReplica<T>> GroupAsync<T>(
        string group, string collection, SyncSchema<T>? schema = null, CancellationToken cancellation = default) =>
        CollectionAsync(OptionsOf(SyncedPattern.OfGroup(group, collection), schema), cancellation);

    /// <summary>Opens a replica of any scope, with all its options.</summary>
    /// <exception cref="SyncException">As above.</exception>
    public async Task<CollectionReplica<T>> CollectionAsync<T>(
        CollectionReplicaOptions<T> options, CancellationToken cancellation = default)
    {
        var side = await ReplicasAsync().WaitAsync(cancellation).ConfigureAwait(false);
        return await side.Hub.OpenCollectionAsync(options, cancellation).ConfigureAwait(false);
    }

    /// <summary>Gives up writes that are not answered, closes all replicas. Safe to repeat.</summary>
    public async ValueTask DisposeAsync()
    {
        Task<ReplicaSide>? replicas;
        lock (_gate) (_disposed, replicas) = (true, _replicas);
        await _lanes.DisposeAsync().ConfigureAwait(false);
        if (replicas is not null)
        {
            await ((Task)replicas).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (replicas.IsCompletedSuccessfully)
                await (await replicas.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
        _http.Dispose();
    }

    // Started by the first replica; a start that failed is tried again by the next.
    private Task<ReplicaSide> ReplicasAsync()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _replicas is null or { IsFaulted: true } or { IsCanceled: true } ? _replicas = StartReplicasAsync() : _replicas;
        }
    }

    private async Task<ReplicaSide> StartReplicasAsync()
    {
        if (_connect is null) throw new SyncException(SyncErrorCode.Invalid, "this client has no broker; give it one to open replicas");
        var (bus, isMine) = await _connect().ConfigureAwait(false);
        var transport = new NatsTransport(bus, new EnvelopeCodec(), time: _time, logger: _logs.CreateLogger<NatsTransport>());
        try
        {
            var source = new BusEnvelopeSource(bus, Subjects.Default, _options.RefetchTimeout);
            var pages = new BusCollectionSource(bus, Subjects.Default, _options.RefetchTimeout);
            var hub = await ReplicaHub
                .StartAsync(transport, source, time: _time, log: _logs.CreateLogger<ReplicaHub>(), pages: pages)
                .ConfigureAwait(false);
            return new ReplicaSide(isMine ? bus : null, transport, hub);
        }
        catch
        {
            await transport.DisposeAsync().ConfigureAwait(false);
            if (isMine) await bus.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private CollectionReplicaOptions<T> OptionsOf<T>(SyncedPattern scope, SyncSchema<T>? schema) =>
        new() { Scope = scope, Schema = schema ?? _schemas.Of<T>() };

    // An append may leave its key to the writer; it is empty then.
    private static string? CheckNames(WriteCommand command) => command is { Op: ChangeOp.Append, Key.Key: "" }
        ? Names.CheckVault(command.Key.Vault) ?? Names.CheckCollection(command.Key.Collection)
        : Names.Check(command.Key);

    private static Receipt Committed(WriteResult result) => result switch
    {
        WriteResult.Committed(var receipt, _) => receipt,
        WriteResult.Refused(var refusal) =>
            throw new SyncException(SyncErrorCode.Refused, refusal.Detail, refusal.IsTransient) { Refusal = refusal },
        WriteResult.Unknown(var reason) => throw new SyncException(SyncErrorCode.UnknownOutcome, reason, true),
        _ => throw new InvalidOperationException("a fourth outcome"),
    };

    private static SocketsHttpHandler NewHandler(SyncClientOptions options) => new()
    {
        MaxConnectionsPerServer = options.Lanes + 8,
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
    };

    private sealed record ReplicaSide(IBus? Bus, NatsTransport Transport, ReplicaHub Hub) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Hub.DisposeAsync().ConfigureAwait(false);
            await Transport.DisposeAsync().ConfigureAwait(false);
            if (Bus is not null) await Bus.DisposeAsync().ConfigureAwait(false);
        }
    }
}
