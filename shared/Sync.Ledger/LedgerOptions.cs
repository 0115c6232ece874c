using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>Limits and times of sequencers and publishers. Each owned feed has queues and caches of its own, so
/// memory is bounded by these figures times the feeds that a process owns.</summary>
public sealed record LedgerOptions
{
    /// <summary>Name of this process in leases: unique among the processes of a ledger, printable, at most 128
    /// characters.</summary>
    public required string Owner { get; init; }

    /// <summary>Most facts of one commit. Default 1,000; 1..10000. An atomic batch is at most this long.</summary>
    public int GroupFactsMax { get; init; } = 1000;

    /// <summary>Most value bytes of one commit. Default 4 MiB; 64 KiB..64 MiB. An atomic batch is at most this
    /// large.</summary>
    public int GroupBytesMax { get; init; } = 4 << 20;

    /// <summary>Most groups of a feed on their way to the ledger. Default 2: the next is there when one was written. 1..4.
    /// </summary>
    public int GroupsInFlightMax { get; init; } = 2;

    /// <summary>A group is begun while another is in flight only when so many writes wait: small groups cost more than the
    /// wait. Default 128; 1..10000.</summary>
    public int GroupAheadWritesMin { get; init; } = 128;

    /// <summary>Most writes of a feed that are admitted and not answered; the next is refused as overloaded. Default
    /// 10,000; 1..1000000.</summary>
    public int QueuedWritesMax { get; init; } = 10_000;

    /// <summary>Most bytes of such writes (values and 512 for each). Default 64 MiB; 64 KiB..4 GiB.</summary>
    public long QueuedBytesMax { get; init; } = 64L << 20;

    /// <summary>Heads kept in memory for a feed, least recently used leaves; about 300 bytes each. Default 200,000;
    /// 1..100000000.</summary>
    public int HeadsCachedMax { get; init; } = 200_000;

    /// <summary>Collections kept in memory for a feed. Default 10,000; 1..10000000.</summary>
    public int CollectionsCachedMax { get; init; } = 10_000;

    /// <summary>Newest idempotency keys kept in memory for a feed; a hit answers without asking the store; about 500
    /// bytes each. Default 100,000; 1..100000000.</summary>
    public int IdempotencyKeysCachedMax { get; init; } = 100_000;

    /// <summary>Most names of a kind in one load. Default 1,000; 1..10000.</summary>
    public int LoadItemsMax { get; init; } = 1000;

    /// <summary>Loads of a feed at a time. Default 2; 1..16.</summary>
    public int LoadsInFlightMax { get; init; } = 2;

    /// <summary>How long a lease lasts without renewal: what clients wait for when an owner dies. Default 2.5 s;
    /// 200 ms..5 min.</summary>
    public TimeSpan LeaseTtl { get; init; } = TimeSpan.FromSeconds(2.5);

    /// <summary>How often a lease is renewed when no commit did it. Default 1 s; 20 ms..half of
    /// <see cref="LeaseTtl"/>.</summary>
    public TimeSpan LeaseRenewEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often free feeds are looked for. Default 250 ms; 10 ms..1 min.</summary>
    public TimeSpan AcquireEvery { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Wait before a free feed is taken, for each feed already owned: who has fewer comes first. Default 20
    /// ms; 0..1 s.</summary>
    public TimeSpan AcquireStagger { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a write may wait before it is answered in any case. Default 10 s; 10 ms..10 min.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>First wait before a failed load, commit or publication is tried again; doubles up to 16 times this.
    /// Default 50 ms; 1 ms..10 s.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a stop waits for admitted writes and for the publisher. Default 5 s; 0..5 min.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long idempotency keys are kept. Default 30 days; 1 hour..10 years.</summary>
    public TimeSpan IdempotencyKept { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Most facts of a feed kept to be published from memory; beyond that they are read from the ledger.
    /// Default 20,000; 1..10000000.</summary>
    public int PublishBufferFactsMax { get; init; } = 20_000;

    /// <summary>Most value bytes of those facts. Default 32 MiB; 64 KiB..4 GiB.</summary>
    public long PublishBufferBytesMax { get; init; } = 32L << 20;

    /// <summary>Most facts of a page that the publisher reads from the ledger; its value bytes are bounded by
    /// <see cref="GroupBytesMax"/>. Default 1,000; 1..10000.</summary>
    public int PublishReadFactsMax { get; init; } = 1000;

    /// <summary>A beat follows a change after this much quiet. Default 100 ms; 1 ms..10 s.</summary>
    public TimeSpan BeatQuiet { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>A beat follows the last one after this long in any case. Default 1 s; 1 ms..1 min.</summary>
    public TimeSpan BeatEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Refuses unusable values at start.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: each wrong key with its value, range and
    /// unit.</exception>
    public void Validate()
    {
        var wrong = new List<string>();
        if (string.IsNullOrWhiteSpace(Owner) || Owner.Length > 128 || Owner.Any(char.IsControl))
            wrong.Add("Sync:Ledger:Owner must be 1..128 printable characters");
        Check(nameof(GroupFactsMax), GroupFactsMax, 1, 10_000, "facts");
        Check(nameof(GroupBytesMax), GroupBytesMax, 64 << 10, 64 << 20, "bytes");
        Check(nameof(GroupsInFlightMax), GroupsInFlightMax, 1, 4, "groups");
        Check(nameof(GroupAheadWritesMin), GroupAheadWritesMin, 1, 10_000, "writes");
        Check(nameof(QueuedWritesMax), QueuedWritesMax, 1, 1_000_000, "writes");
        Check(nameof(QueuedBytesMax), QueuedBytesMax, 64 << 10, 4L << 30, "bytes");
        Check(nameof(HeadsCachedMax), HeadsCachedMax, 1, 100_000_000, "heads");
        Check(nameof(CollectionsCachedMax), CollectionsCachedMax, 1, 10_000_000, "collections");
        Check(nameof(IdempotencyKeysCachedMax), IdempotencyKeysCachedMax, 1, 100_000_000, "keys");
        Check(nameof(LoadItemsMax), LoadItemsMax, 1, 10_000, "names");
        Check(nameof(LoadsInFlightMax), LoadsInFlightMax, 1, 16, "loads");
        CheckTime(nameof(LeaseTtl), LeaseTtl, 200, 300_000);
        CheckTime(nameof(LeaseRenewEvery), LeaseRenewEvery, 20, Math.Max(20, LeaseTtl.TotalMilliseconds / 2));
        CheckTime(nameof(AcquireEvery), AcquireEvery, 10, 60_000);
        CheckTime(nameof(AcquireStagger), AcquireStagger, 0, 1000);
        CheckTime(nameof(WriteTimeout), WriteTimeout, 10, 600_000);
        CheckTime(nameof(RetryDelay), RetryDelay, 1, 10_000);
        CheckTime(nameof(DrainTimeout), DrainTimeout, 0, 300_000);
        CheckTime(nameof(IdempotencyKept), IdempotencyKept, 3_600_000, 10 * 366 * 86_400_000d);
        Check(nameof(PublishBufferFactsMax), PublishBufferFactsMax, 1, 10_000_000, "facts");
        Check(nameof(PublishBufferBytesMax), PublishBufferBytesMax, 64 << 10, 4L << 30, "bytes");
        Check(nameof(PublishReadFactsMax), PublishReadFactsMax, 1, 10_000, "facts");
        CheckTime(nameof(BeatQuiet), BeatQuiet, 1, 10_000);
        CheckTime(nameof(BeatEvery), BeatEvery, 1, 60_000);
        if (wrong.Count > 0) throw new SyncException(SyncErrorCode.Invalid, string.Join("; ", wrong));

        void Check(string name, long value, long min, long max, string unit)
        {
            if (value < min || value > max) wrong.Add($"Sync:Ledger:{name} is {value}; must be {min}..{max} {unit}");
        }

        void CheckTime(string name, TimeSpan value, double min, double max)
        {
            if (value.TotalMilliseconds < min || value.TotalMilliseconds > max)
                wrong.Add($"Sync:Ledger:{name} is {value}; must be {min}..{max} milliseconds");
        }
    }
}
