using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>A group on its way to the store, with what it was made of.</summary>
/// <param name="Group">What the store got.</param>
/// <param name="Requests">Whom it answers.</param>
/// <param name="Lines">Their lines that became facts.</param>
/// <param name="Pass">The pass that formed it: names marked with it are not settled before it is.</param>
/// <param name="IsOnTop">It was begun while another was in flight, so the store may see it first.</param>
internal sealed record GroupInFlight(
    FactGroup Group, List<WriteRequest> Requests, List<WriteLine> Lines, long Pass, bool IsOnTop)
{
    /// <summary>Its size was chosen by a split.</summary>
    public bool IsSplit { get; init; }

    /// <summary>What the store said; null = nothing yet.</summary>
    public CommitOutcome? Outcome { get; set; }

    /// <summary>Its last fact.</summary>
    public Fact Last => Group.Facts[^1].Fact;

    /// <summary>Writes of its requests, those that need no fact included.</summary>
    public int Writes { get; } = Requests.Sum(request => request.Count);
}
