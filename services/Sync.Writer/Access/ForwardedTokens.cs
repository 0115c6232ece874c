using Sync.Access;
using Sync.Contracts;
using Sync.Http.Access;
using Sync.Transport;
using Sync.Writer.Http;

namespace Sync.Writer.Access;

/// <summary>The check of a token's record that another writer took in: that writer is not believed, its caller's token
/// is.</summary>
internal sealed class ForwardedTokens(AccessGuard guard, WriteLimits limits)
{
    /// <summary>True for what only the routes of tokens write.</summary>
    public static bool Is(WriteCommand command) =>
        command.Key.Vault == AccessScope.TokenVault && command.Key.Collection == AccessScope.TokenCollection;

    /// <summary>What is wrong; null = it may be committed.</summary>
    public BusReply? Check(BusRequest request, WriteCommand command)
    {
        // Where there are no tokens nobody could prove anything.
        if (guard.IsOpen) return BusReply.Failed(403, "access-open: there are no tokens here");
        var caller = guard.Check(
            request.Headers?[BusHeaders.Authorization], request.Headers?[AccessProblems.PurposeHeader]);
        var problem = caller.State != AccessState.Granted ? AccessProblems.Of(caller.State)
            : caller.Identity!.Covers(AccessAction.Admin, AccessTarget.None) ? null
            : AccessProblems.Forbidden(AccessAction.Admin, AccessTarget.None);
        if (problem is not null) return BusReply.Failed(problem.Status, $"{problem.Code}: {problem.Detail}");
        var record = TokenRecordCodec.Decode(command.Value.Span);
        if (command.Op != ChangeOp.Put || command.Expected is null || !record.IsOk || record.Value.Id != command.Key.Key)
            return BusReply.Failed(400, "invalid-value: this is not the record of a token");
        return limits.CheckEnvelope(command) is { } tooLarge ? BusReply.Failed(tooLarge.Status, tooLarge.Detail) : null;
    }
}
