using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>One writer process: looks for free feeds and owns them.</summary>
internal sealed class NodeDriver : SimProcess
{
    private readonly OwnerDriver?[] _owners;
    private readonly bool[] _isAcquiring;

    public NodeDriver(World world, string name) : base(world)
    {
        Options = world.Plan.Ledger with { Owner = name };
        Link = new WriterLink(world);
        world.Bus.Writers.Add(Link);
        _owners = new OwnerDriver?[world.Plan.Feeds];
        _isAcquiring = new bool[world.Plan.Feeds];
        After(world.Random.Between(0, 50), Acquire);
    }

    public LedgerOptions Options { get; }

    public bool IsStopped { get; private set; }

    public WriterLink Link { get; }

    public bool IsCommitting => _owners.Any(owner => owner?.IsCommitting == true);

    public bool Owns(FeedId feed) => !IsDead && !IsPaused && _owners[feed.Value]?.IsOwning == true;

    public TimeSpan RetryDelay(int failures) => Options.RetryDelay * (1 << Math.Clamp(failures - 1, 0, 4));

    public void Submit(FeedId feed, SimRequest request)
    {
        if (_owners[feed.Value] is { } owner) owner.Submit(request);
        else Refuse(request);
    }

    public void Refuse(SimRequest request)
    {
        var refusal = new Refusal(RefusalCode.NoOwner, "not the owner");
        Answer(request.IsAtomic
            ? new(request, null, new AtomicResult.Refused(null, refusal))
            : new(request, new WriteResult.Refused(refusal), null), isOwner: false);
    }

    public void Answer(WriteCompletion completion, bool isOwner)
    {
        var request = (SimRequest)completion.Request;
        World.Writes.Answered(request.Attempt, completion, isOwner);
        request.Answered(completion);
    }

    public void Stop()
    {
        IsStopped = true;
        foreach (var owner in _owners) owner?.Stop();
    }

    public void Ended(FeedId feed) => _owners[feed.Value] = null;

    public override void Kill()
    {
        base.Kill();
        World.Bus.Writers.Remove(Link);
        Link.Cut();
    }

    private void Acquire()
    {
        if (IsStopped) return;
        World.Store.Call(this, store => store.StatusAsync(), AcquireFree, static () => { });
        After(Options.AcquireEvery, Acquire);
    }

    private void AcquireFree(IReadOnlyList<FeedStatus> status)
    {
        foreach (var feed in status)
        {
            var isFree = feed.Owner is null || feed.Owner == Options.Owner || feed.LeaseLeft <= TimeSpan.Zero;
            var index = feed.Feed.Value;
            if (!isFree || _owners[index] is not null || _isAcquiring[index] || IsStopped) continue;
            _isAcquiring[index] = true;
            World.Store.Call(this, store => store.AcquireAsync(feed.Feed, Options.Owner, Options.LeaseTtl),
                state => Acquired(index, state), () => _isAcquiring[index] = false);
        }
    }

    private void Acquired(int index, FeedState? state)
    {
        _isAcquiring[index] = false;
        if (state is null || IsStopped) return;
        World.TakenOver(state.Lease.Feed, this);
        World.Trace.Add("owned", index, state.Lease.Epoch.Value, state.Position.Value);
        _owners[index] = new OwnerDriver(this, state);
    }
}
