using Sync.Contracts;

namespace Sync.Writer.Bus;

/// <summary>Trace context travels as a header, beside the command's bytes.</summary>
internal static class CommandTrace
{
    public static WriteCommand With(WriteCommand command, string? traceParent)
    {
        if (traceParent is null) return command;
        return new WriteCommand
        {
            Key = command.Key,
            Op = command.Op,
            Value = command.Value,
            SchemaVersion = command.SchemaVersion,
            Expected = command.Expected,
            OnlyIfNoLiveRecord = command.OnlyIfNoLiveRecord,
            IdempotencyKey = command.IdempotencyKey,
            ValidTime = command.ValidTime,
            Producer = command.Producer,
            Causation = command.Causation,
            TraceParent = traceParent,
        };
    }
}
