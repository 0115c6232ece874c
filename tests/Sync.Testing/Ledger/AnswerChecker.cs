using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Testing.Ledger;

/// <summary>Compares what clients were told with the facts: what was acknowledged is there, once, with what was asked
/// for; what was refused or replayed is not; what a commit was conditional on held where it stands. Each request's
/// producer is its own.</summary>
public static class AnswerChecker
{
    /// <summary>Names each answer that the facts contradict.</summary>
    /// <param name="answers">Each request's answer, by line.</param>
    /// <param name="facts">The feed's facts from the first.</param>
    /// <param name="wrong">Takes what is wrong.</param>
    public static void Check(
        IReadOnlyList<(WriteRequest Request, int Line, WriteResult Result)> answers, IReadOnlyList<Fact> facts,
        ICollection<string> wrong)
    {
        var byId = new Dictionary<FactId, Fact>();
        foreach (var fact in facts) byId.TryAdd(fact.Id, fact);
        var byProducer = facts.ToLookup(fact => fact.Producer);
        foreach (var (request, line, result) in answers)
        {
            var command = request.Command(line);
            var name = $"{command.Producer} ({command.Key} under '{command.IdempotencyKey}')";
            var made = byProducer[command.Producer].Count();
            var most = result is WriteResult.Unknown or WriteResult.Committed { Replayed: false } ? 1 : 0;
            if (made > most) wrong.Add($"{name} was answered with {result} and made {made} facts");
            if (result is not WriteResult.Committed committed) continue;
            if (!byId.TryGetValue(committed.Receipt.FactId, out var fact))
            {
                wrong.Add($"{name} was acknowledged and is not there");
                continue;
            }
            if (fact.Position != committed.Receipt.Position || fact.Sequence != committed.Receipt.Sequence)
                wrong.Add($"{name} has another place than its receipt");
            // An event whose client named no key is under its id.
            var key = command.Key.Key.Length > 0 ? command.Key : command.Key with { Key = fact.Id.ToString() };
            if (fact.Key != key || fact.Op != command.Op || fact.ValueHash != Hash256.Of(command.Value.Span))
                wrong.Add($"{name} is another write");
            if (committed.Replayed)
            {
                if (fact.IdempotencyKey != command.IdempotencyKey)
                    wrong.Add($"{name} was answered with a fact of another key");
                continue;
            }
            if (fact.Producer != command.Producer) wrong.Add($"{name} was answered with another's fact");
            if (command.Expected is { } expected && fact.Sequence != expected.Next)
                wrong.Add($"{name} expected {expected} and became {fact.Sequence}");
            var before = facts.Take((int)fact.Position.Value - 1).LastOrDefault(other => other.Key == fact.Key);
            var wasLive = before is not null && before.Op != ChangeOp.Delete;
            if (command.OnlyIfNoLiveRecord && wasLive) wrong.Add($"{name} replaced a live record");
        }
        CheckBatches(answers, wrong);
    }

    // The lines that a batch committed itself are neighbours: nobody else is between them, and none is missing.
    private static void CheckBatches(
        IReadOnlyList<(WriteRequest Request, int Line, WriteResult Result)> answers, ICollection<string> wrong)
    {
        foreach (var batch in answers.Where(answer => answer.Request.IsAtomic).GroupBy(answer => answer.Request))
        {
            var own = batch.Select(answer => answer.Result).OfType<WriteResult.Committed>().Where(line => !line.Replayed)
                .Select(line => line.Receipt.Position.Value).ToList();
            for (var index = 1; index < own.Count; index++)
                if (own[index] != own[index - 1] + 1)
                    wrong.Add($"a batch is torn between {own[index - 1]} and {own[index]}");
            if (batch.Any(answer => answer.Result is WriteResult.Committed) && batch.Count() != batch.Key.Count)
                wrong.Add("a batch is half answered");
        }
    }
}
