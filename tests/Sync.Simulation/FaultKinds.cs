namespace Sync.Simulation;

/// <summary>What may go wrong. Each history arms a random subset: few at once reach deeper than all at once.</summary>
[Flags]
internal enum FaultKinds : ulong
{
    None = 0,

    // At a call of the store.
    CommitFailed = 1UL << 0,
    CommitUnknownDone = 1UL << 1,
    CommitUnknownNotDone = 1UL << 2,
    Straggler = 1UL << 3,
    StoreErrors = 1UL << 4,
    StoreSlow = 1UL << 5,
    CommitCrash = 1UL << 6,
    CommitPause = 1UL << 7,

    // At a message.
    Drop = 1UL << 8,
    DropBeats = 1UL << 9,
    Duplicate = 1UL << 10,
    Delay = 1UL << 11,
    Misroute = 1UL << 12,
    RefetchLost = 1UL << 13,
    RefetchSlow = 1UL << 14,
    ClientLost = 1UL << 15,

    // In what is written.
    BadValues = 1UL << 16,
    OtherMajor = 1UL << 17,
    Poison = 1UL << 18,

    // To processes, connections and the ledger: steps of the plan.
    WriterCrash = 1UL << 24,
    WriterPause = 1UL << 25,
    WriterStop = 1UL << 26,
    WriterCut = 1UL << 27,
    WriterMute = 1UL << 28,
    StoreMute = 1UL << 29,
    StoreDeaf = 1UL << 30,
    ClientMute = 1UL << 31,
    ClientDeaf = 1UL << 32,
    ClockSteps = 1UL << 33,
    BrokerRestart = 1UL << 34,
    HostCut = 1UL << 35,
    HostDeaf = 1UL << 36,
    HostMute = 1UL << 37,
    HostRestart = 1UL << 38,
    HostPause = 1UL << 39,
    HostSlow = 1UL << 40,
    Churn = 1UL << 41,
    Restore = 1UL << 42,

    OfCalls = (1UL << 8) - 1,
    OfMessages = 0xFFUL << 8,
    OfValues = 7UL << 16,
    OfSteps = ((1UL << 43) - 1) & ~((1UL << 24) - 1),
    All = OfCalls | OfMessages | OfValues | OfSteps,
}

/// <summary>What never heals in a liveness history. Everybody else must make progress all the same.</summary>
internal enum Handicap
{
    /// <summary>A safety history: everything heals.</summary>
    None,

    /// <summary>A host gets nothing from the bus.</summary>
    HostDeaf,

    /// <summary>A host's requests do not reach the bus; envelopes and beats come.</summary>
    HostMute,

    /// <summary>A host's subscriptions are never read.</summary>
    NeverReads,

    /// <summary>A writer died and does not come back.</summary>
    WriterDead,

    /// <summary>A writer is stopped in the middle of what it did.</summary>
    WriterStuck,

    /// <summary>A writer no longer reaches the store.</summary>
    WriterWithoutStore,
}
