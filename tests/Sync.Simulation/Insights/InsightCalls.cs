using Sync.Contracts;
using Sync.Lobby.Insights;

namespace Sync.Simulation.Insights;

/// <summary>A call of a host on its way: it reaches the ledger at one step, its answer comes at a later one, and anything
/// may happen between.</summary>
internal abstract class InsightCall(string name)
{
    public string Name => name;

    /// <summary>It has reached the ledger.</summary>
    public bool IsDone { get; protected set; }

    /// <summary>Reaches the ledger.</summary>
    public abstract void Execute();

    /// <summary>What it did stays, and nobody can say so.</summary>
    public abstract void Lose(bool isDone);

    public abstract void Answer();

    public abstract void Fail();
}

/// <summary>A call with its answer.</summary>
internal sealed class InsightCall<T>(string name, Func<T> execute, Func<T>? unknown, CancellationToken cancellation)
    : InsightCall(name)
{
    // Its waiter goes on within the step that answers: there is no other thread.
    private readonly TaskCompletionSource<T> _answer = new();
    private T? _result;

    public Task<T> Task
    {
        get
        {
            cancellation.Register(() => _answer.TrySetCanceled(cancellation));
            return _answer.Task;
        }
    }

    public override void Execute() => (_result, IsDone) = (execute(), true);

    public override void Lose(bool isDone)
    {
        if (unknown is null) return;
        if (isDone) execute();
        (_result, IsDone) = (unknown(), true);
    }

    public override void Answer() => _answer.TrySetResult(_result!);

    public override void Fail() => _answer.TrySetException(
        new SyncException(SyncErrorCode.NoAnswer, "the connection was lost", true));
}

/// <summary>What one host calls: the ledger's reads and the one write, each carried out when the world says so.</summary>
internal sealed class InsightCalls(InsightLedger ledger) : ICollectionSource, ISummaryStore
{
    public List<InsightCall> Pending { get; } = [];

    public ValueTask<SnapshotPage> SnapshotAsync(
        SyncedPattern scope, SnapshotRequest request, CancellationToken cancellation = default) =>
        new(Call("snapshot", () => ledger.Snapshot(scope, request), null, cancellation));

    public ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, ChangesRequest request, CancellationToken cancellation = default) =>
        new(Call("changes", () => ledger.Changes(scope, request), null, cancellation));

    public ValueTask<VaultsPage> VaultsAsync(
        string group, VaultsRequest request, CancellationToken cancellation = default) =>
        new(Call("vaults", () => ledger.Vaults(group, request), null, cancellation));

    public Task<Envelope?> GetAsync(SyncedKey key, CancellationToken cancellation = default) =>
        Call("get", () => ledger.Get(key), null, cancellation);

    public Task<WriteResult> WriteAsync(WriteCommand command, CancellationToken cancellation = default) => Call(
        "write", () => ledger.Write(command), () => new WriteResult.Unknown("the connection was lost"), cancellation);

    private Task<T> Call<T>(string name, Func<T> execute, Func<T>? unknown, CancellationToken cancellation)
    {
        var call = new InsightCall<T>(name, execute, unknown, cancellation);
        Pending.Add(call);
        return call.Task;
    }
}
