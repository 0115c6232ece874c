using Sync.Contracts;
using Sync.Replication;

namespace Sync.Simulation;

/// <summary>One process with replicas: does what the production hub does, on virtual time.</summary>
internal sealed partial class HostDriver : SimProcess
{
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(250);
    private readonly RefetchCore _refetch;
    private readonly FeedTrackerCore _tracker;
    private readonly SimSchema _schema = new() { Version = new SchemaVersion("1.0") };
    private readonly Dictionary<SyncedKey, List<ReplicaDriver>> _groups = [];
    private readonly List<ReplicaDriver> _replicas = [];
    private readonly List<ReplicaDriver> _failed = [];
    private readonly List<CollectionDriver> _collections = [];
    private TimeSpan? _checkAllAt;
    private TimeSpan _pumpAt = TimeSpan.MaxValue;

    public HostDriver(World world, string name) : base(world, name)
    {
        Name = name;
        _refetch = new RefetchCore(world.Plan.Refetch);
        _tracker = new FeedTrackerCore(Grace, world.ReplicaFaults);
        Link = new HostLink(world, this);
        world.Bus.Add(Link);
        for (var index = 0; index < world.Plan.ReplicasPerHost; index++) Open(Random);
        for (var index = 0; index < world.Plan.CollectionsPerHost; index++) Follow(Random);
    }

    public string Name { get; }

    public HostLink Link { get; }

    /// <summary>Its subscriptions are read slowly.</summary>
    public bool IsSlow { get => field || NeverReads; set; }

    /// <summary>Its subscriptions are not read at all.</summary>
    public bool NeverReads { get; set; }

    public IReadOnlyList<ReplicaDriver> Replicas => _replicas;

    private TimeSpan Now => World.Schedule.Now;

    public FeedFreshness FreshnessOf(ReplicaDriver replica) => _tracker.FreshnessOf(replica.Member, Now);

    /// <summary>Seed, subscribe, confirmed, then fetch when there was no usable seed.</summary>
    public void Open(SimRandom random)
    {
        var key = random.Pick(World.Followed);
        var gaps = random.Chance(60) ? GapPolicy.Refetch : random.Chance(60) ? GapPolicy.Backfill
            : GapPolicy.ApplyLatest;
        var replica = new ReplicaDriver(this, key, _schema, gaps, random.Chance(80) ? 64 : 2);
        var head = World.Ledger.Now.HeadOf(key);
        if (head is not null && random.Chance(30))
            replica.Plant(World.Ledger.Now.FactOf(key, new(random.From(1, (int)head.Sequence.Value)))!
                .ToEnvelope(World.Store.Ledger.Info.History));
        var mustFetch = replica.Core.Sequence < Sequence.None;
        if (!_groups.TryGetValue(key, out var group)) _groups.Add(key, group = []);
        group.Add(replica);
        _replicas.Add(replica);
        _tracker.Join(replica.Member);
        Subscribe(replica, mustFetch);
    }

    public void Close(ReplicaDriver replica)
    {
        _tracker.Leave(replica.Member);
        _failed.Remove(replica);
        _replicas.Remove(replica);
        Count(replica);
        var group = _groups[replica.Key];
        group.Remove(replica);
        replica.Core.Dispose();
        if (group.Count > 0) return;
        _groups.Remove(replica.Key);
        _refetch.Cancel(replica.Key);
        Link.Unsubscribe(replica.Key);
    }

    /// <summary>A replica of a collection, a vault or a group.</summary>
    public void Follow(SimRandom random)
    {
        var vault = random.Pick(Simulation.Plan.Vaults);
        var scope = random.Below(6) switch
        {
            0 => SyncedPattern.OfCollection(vault, "a"),
            1 => SyncedPattern.OfCollection(vault, Simulation.Plan.Log),
            2 or 3 => SyncedPattern.OfVault(vault),
            4 => SyncedPattern.OfGroup("g", "a"),
            _ => SyncedPattern.OfGroup("g"),
        };
        _collections.Add(new CollectionDriver(this, scope, _schema));
    }

    /// <summary>Closes a collection replica and opens another.</summary>
    public void Reopen(SimRandom random)
    {
        var old = random.Pick(_collections);
        _collections.Remove(old);
        old.Close();
        Follow(random);
    }

    public override void Kill()
    {
        base.Kill();
        World.Bus.Remove(Link);
        foreach (var replica in _replicas) Count(replica);
        foreach (var collection in _collections) collection.Count();
    }

    /// <summary>What was wrong with it and around it no longer is.</summary>
    public void Mend()
    {
        (IsSlow, Link.IsDeaf, Link.IsMute) = (false, false, false);
        Resume();
    }

    /// <summary>Everything is quiet: what it shows is held against the ledger.</summary>
    /// <param name="isWhole">False: it is handicapped, and need not be up to date.</param>
    public void Reckon(bool isWhole)
    {
        foreach (var replica in _replicas)
        {
            if (isWhole) replica.CheckAtRest();
            Count(replica);
        }
        foreach (var collection in _collections)
        {
            if (isWhole) collection.CheckAtRest();
            collection.Count();
        }
    }

    public void Receive(SyncedKey key, Envelope envelope)
    {
        if (!_groups.TryGetValue(key, out var group)) return;
        foreach (var replica in group) replica.Receive(envelope, EnvelopeOrigin.Live);
        CheckFreshness();
    }

    public void Receive(Beat beat)
    {
        World.Trace.Add("beat", beat.Prev.Value, beat.Position.Value, beat.Keys.Count);
        var effects = new List<FeedEffect>();
        _tracker.Receive(beat, Now, effects);
        Run(effects);
        Wake();
        CheckFreshness();
        foreach (var collection in _collections) collection.Receive(beat);
    }

    /// <summary>An envelope that came under another's name.</summary>
    public void Misrouted(Envelope envelope)
    {
        Receive(Random.Pick(World.Followed), envelope);
        if (_collections.Count > 0) Random.Pick(_collections).Misrouted(envelope);
    }

    public void Reconnected()
    {
        CheckAll();
        foreach (var collection in _collections) collection.Disrupted();
    }

    /// <summary>Beats were dropped from the mailbox: all replicas of the connection look after themselves.</summary>
    public void BeatsOverflowed() => Reconnected();

    public void Overflowed(SyncedKey key)
    {
        if (!_groups.TryGetValue(key, out var group)) return;
        var due = Now + Spread();
        foreach (var replica in group) replica.Check(default, due);
    }

    /// <summary>A replica asks for its key.</summary>
    public void Request(ReplicaDriver replica, Sequence have, FeedPosition need, TimeSpan due)
    {
        if (!_replicas.Contains(replica)) return;
        _failed.Remove(replica);
        if (_refetch.Request(replica.Key, have, need, due) != RefetchVerdict.Rejected) replica.RefetchBegan();
        else Failed(replica, isLast: true);
        Wake();
    }

    public void Count(ReplicaDriver replica)
    {
        var counters = replica.Core.Counters;
        World.Coverage.Add("gap", counters.Gaps);
        World.Coverage.Add("tail gap found by a beat", counters.TailGaps);
        World.Coverage.Add("coalesced refetch", counters.Coalesced);
        World.Coverage.Add("stale ignored", counters.IgnoredStale);
        World.Coverage.Add("skew by major", counters.SchemaSkews);
        World.Coverage.Add("parse error", counters.ParseErrors);
        World.Coverage.Add("wrong key dropped", counters.WrongKey);
        World.Coverage.Add("history reset", counters.Resets);
    }

    private void CheckAll()
    {
        _checkAllAt ??= Now + Spread();
        Wake();
    }

    // The connection may be down: a subscription is confirmed when it is up.
    private void Subscribe(ReplicaDriver replica, bool mustFetch) => After(Random.Between(0.2, 5), () =>
    {
        if (!_replicas.Contains(replica)) return;
        if (!Link.IsUp)
        {
            Subscribe(replica, mustFetch);
            return;
        }
        Link.Subscribe(replica.Key);
        if (mustFetch) replica.Check(default, Now);
    });

    private TimeSpan Spread() => World.Plan.Refetch.CheckSpread * Random.Unit();

    private void CheckFreshness()
    {
        // Reading is not free of effects in the tracker, so now and then nobody reads.
        if (Random.Chance(30)) return;
        foreach (var replica in _replicas) replica.CheckFreshness();
    }

    private void Run(List<FeedEffect> effects)
    {
        if (effects.Count == 0) return;
        var spread = Now + Spread();
        foreach (var effect in effects)
        {
            switch (effect.Kind)
            {
                case FeedEffectKind.Check: ReplicaOf(effect.Member!).Check(effect.At, spread); break;
                case FeedEffectKind.TailGap: ReplicaOf(effect.Member!).TailGap(effect.At); break;
                case FeedEffectKind.HistoryReplaced: Reset(effect, spread); break;
                case FeedEffectKind.BeatHeard: Restart(effect.Feed); break;
            }
        }
    }

    private void Reset(FeedEffect effect, TimeSpan due)
    {
        foreach (var member in _tracker.MembersOf(effect.Feed).ToList())
            ReplicaOf(member).HistoryReplaced(effect.History, due);
    }

    private void Restart(FeedId feed)
    {
        var failed = _failed.FindAll(replica => FeedOf(replica) is not { } other || other == feed);
        _failed.RemoveAll(failed.Contains);
        foreach (var replica in failed)
        {
            replica.BeatHeard();
            if (!replica.Core.IsIdle) World.Coverage.Add("refetch failed, then recovered");
        }
    }

    // The tracker keeps the feed of a member to itself; its freshness names it as soon as it is known.
    private FeedId? FeedOf(ReplicaDriver replica) =>
        FreshnessOf(replica) is { IsKnown: true } fresh ? fresh.At.Feed : null;

    private ReplicaDriver ReplicaOf(FeedMember member) => _replicas.Find(replica => replica.Member == member)!;
}
