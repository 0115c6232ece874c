namespace Sync.Simulation;

/// <summary>What may go wrong. Each history arms a random subset: few at once reach deeper than all at once.</summary>
[Flags]
internal enum FaultKinds
{
    None = 0,
    CommitFailed = 1 << 0,
    CommitUnknownDone = 1 << 1,
    CommitUnknownNotDone = 1 << 2,
    Straggler = 1 << 3,
    StoreErrors = 1 << 4,
    StoreSlow = 1 << 5,
    WriterCrash = 1 << 6,
    WriterPause = 1 << 7,
    WriterStop = 1 << 8,
    WriterCut = 1 << 9,
    BrokerRestart = 1 << 10,
    HostCut = 1 << 11,
    HostRestart = 1 << 12,
    HostPause = 1 << 13,
    Churn = 1 << 14,
    Drop = 1 << 15,
    DropBeats = 1 << 16,
    Duplicate = 1 << 17,
    Delay = 1 << 18,
    Overflow = 1 << 19,
    Misroute = 1 << 20,
    RefetchLost = 1 << 21,
    RefetchSlow = 1 << 22,
    BadValues = 1 << 23,
    OtherMajor = 1 << 24,
    Poison = 1 << 25,
    ClockSteps = 1 << 26,
    ClientLost = 1 << 27,
    Restore = 1 << 28,
    All = (1 << 29) - 1,
}
