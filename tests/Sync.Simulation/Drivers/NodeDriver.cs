using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>One writer process: looks for free feeds and owns them.</summary>
internal sealed class NodeDriver : SimProcess
{
    private readonly OwnerDriver?[] _owners;
    private readonly bool[] _isAcquiring;
    private readonly ForwardDriver _forwards;

    public NodeDriver(World world, string name) : base(world, name + world.Schedule.Now)
    {
        Options = world.Plan.Ledger with { Owner = name };
        Link = new WriterLink(world, Random);
        world.Bus.Writers.Add(Link);
        _owners = new OwnerDriver?[world.Plan.Feeds];
        _isAcquiring = new bool[world.Plan.Feeds];
        _forwards = new ForwardDriver(this);
        After(Random.Between(0, 50), Acquire);
    }

    public LedgerOptions Options { get; }

    public bool IsStopped { get; private set; }

    public WriterLink Link { get; }

    public bool OwnsAny => Array.Exists(_owners, owner => owner?.IsOwning == true);

    public bool IsCommitting => Array.Exists(_owners, owner => owner?.IsCommitting == true);

    /// <summary>How far its wall clock is off.</summary>
    public TimeSpan ClockStep { get; set; }

    public Timestamp Wall => World.Clock.Wall(ClockStep);

    /// <summary>Its calls do not reach the store.</summary>
    public bool IsStoreMute { get; set; }

    /// <summary>The store's answers do not reach it; what it asked for was done.</summary>
    public bool IsStoreDeaf { get; set; }

    /// <summary>Its answers do not reach clients.</summary>
    public bool IsClientMute { get; set; }

    /// <summary>Clients do not reach it.</summary>
    public bool IsClientDeaf { get; set; }

    public bool Owns(FeedId feed) => !IsDead && !IsPaused && _owners[feed.Value]?.IsOwning == true;

    /// <summary>It runs, and takes itself for the owner that it no longer is.</summary>
    public bool IsDeposed(FeedId feed) => !IsDead && !IsPaused && _owners[feed.Value]?.IsDeposed == true;

    public TimeSpan RetryDelay(int failures) => Options.RetryDelay * (1 << Math.Clamp(failures - 1, 0, 4));

    /// <summary>True while the broker hands it what is forwarded to the feed's owner: also when it stands still, or is the
    /// owner no longer and has not heard of it.</summary>
    public bool Serves(FeedId feed) => !IsDead && Link.IsUp && _owners[feed.Value] is not null;

    /// <summary>Takes the lines of one request, in order. Without the feed it forwards a write that stands alone, or refuses it
    /// as a writer does that has just lost the feed.</summary>
    public void Submit(FeedId feed, IReadOnlyList<SimRequest> requests)
    {
        if (_owners[feed.Value] is { } owner)
        {
            foreach (var request in requests) World.Writes.Arrived(request.Attempt, owner);
            owner.Submit(requests);
            return;
        }
        foreach (var request in requests)
        {
            if (request.Keeps is null && Random.Chance(60)) _forwards.Take(feed, request);
            else Refuse(request);
        }
    }

    /// <summary>Takes what was forwarded to the feed's owner.</summary>
    public void Serve(FeedId feed, SimRequest request)
    {
        if (_owners[feed.Value] is { } owner)
        {
            World.Writes.Arrived(request.Attempt, owner);
            owner.Submit([request]);
        }
        else Refuse(request);
    }

    public void Refuse(SimRequest request)
    {
        var refusal = new Refusal(RefusalCode.NoOwner, "not the owner");
        var refused = new WriteResult.Refused(refusal);
        if (!request.IsAtomic) request.Keeps?.Note(request.Command(0).Key, refused);
        Answer(request.IsAtomic
            ? new(request, null, new AtomicResult.Refused(null, refusal))
            : new(request, refused, null), isOwner: false);
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

    /// <summary>What was wrong around it no longer is.</summary>
    public void Mend() =>
        (IsStoreMute, IsStoreDeaf, IsClientMute, IsClientDeaf) = (false, false, false, false);

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
            var asked = World.Schedule.Now;
            World.Store.Call(this, store => store.AcquireAsync(feed.Feed, Options.Owner, Options.LeaseTtl),
                state => Acquired(index, state, asked), () => _isAcquiring[index] = false);
        }
    }

    private void Acquired(int index, FeedState? state, TimeSpan asked)
    {
        _isAcquiring[index] = false;
        if (state is null || IsStopped) return;
        World.TakenOver(state.Lease.Feed, this);
        World.Trace.Add("owned", index, state.Lease.Epoch.Value, state.Position.Value);
        _owners[index] = new OwnerDriver(this, state, asked);
    }
}
