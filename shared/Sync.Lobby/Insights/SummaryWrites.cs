using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>Puts a summary where it belongs so that an older one never replaces a newer: every write is conditional on
/// the very record that was looked at, and what is there is judged by its provenance.</summary>
internal sealed class SummaryWrites(ISummaryStore store, PlantedFaults faults)
{
    // Each lost race means that another derivation of the same summary was written meanwhile.
    private const int RacesMax = 8;

    /// <summary>Returns when a summary at this position or behind it stands.</summary>
    /// <exception cref="SyncException">It does not; transient unless the writer refuses the data.</exception>
    public async Task WriteAsync(SyncedKey key, InsightSummary summary, CancellationToken cancellation)
    {
        var value = summary.ToValue();
        for (var race = 0; race < RacesMax; race++)
        {
            var current = await store.GetAsync(key, cancellation).ConfigureAwait(false);
            if (current is not null && !faults.OlderReplacesNewer && Stands(current, summary)) return;
            var result = await store.WriteAsync(
                new WriteCommand
                {
                    Key = key,
                    Op = ChangeOp.Put,
                    Value = value,
                    Expected = faults.OlderReplacesNewer ? null : current?.Sequence,
                    OnlyIfNoLiveRecord = current is null && !faults.OlderReplacesNewer,
                },
                cancellation).ConfigureAwait(false);
            if (result is WriteResult.Committed || (faults.UnknownTakenForWritten && result is WriteResult.Unknown)) return;
            // An unknown outcome too is settled by looking again: ours stands, or it does not.
            if (result is WriteResult.Refused(var refusal) && !IsLostRace(refusal))
                throw new SyncException(SyncErrorCode.Refused, refusal.Detail, refusal.IsTransient) { Refusal = refusal };
        }
        throw new SyncException(SyncErrorCode.UnknownOutcome, $"{key} was written by somebody else, or without an answer, {RacesMax} times", true);
    }

    private static bool Stands(Envelope current, InsightSummary ours)
    {
        if (InsightSummary.TryRead(current.Value) is not { } theirs || !theirs.Provenance.IsComparable(ours.Provenance)) return false;
        var order = theirs.Provenance.At.Position.CompareTo(ours.Provenance.At.Position);
        // At the same position only the same summary stands: a refresh puts right what was written by hand.
        return order > 0 || (order == 0 && theirs.Summary.Span.SequenceEqual(ours.Summary.Span));
    }

    private static bool IsLostRace(Refusal refusal) =>
        refusal.Code is RefusalCode.ExpectedSequenceDiffers or RefusalCode.LiveRecordExists;
}
