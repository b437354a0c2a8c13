// A client of a Job Control server as another vendor would write it, with Eclipse Milo, which decodes the structures by
// the definitions that it reads from the server. The client holds the first job that runs, lets it run again, and makes
// calls that the server has to refuse.
//
//   java Client ENDPOINT
//
// Prints one line of JSON: what it read and what it was answered.

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.eclipse.milo.opcua.sdk.client.OpcUaClient;
import org.eclipse.milo.opcua.sdk.client.subscriptions.OpcUaMonitoredItem;
import org.eclipse.milo.opcua.sdk.client.subscriptions.OpcUaSubscription;
import org.eclipse.milo.opcua.sdk.core.types.DynamicStructType;
import org.eclipse.milo.opcua.stack.core.AttributeId;
import org.eclipse.milo.opcua.stack.core.NodeIds;
import org.eclipse.milo.opcua.stack.core.types.builtin.DateTime;
import org.eclipse.milo.opcua.stack.core.types.builtin.ExtensionObject;
import org.eclipse.milo.opcua.stack.core.types.builtin.LocalizedText;
import org.eclipse.milo.opcua.stack.core.types.builtin.NodeId;
import org.eclipse.milo.opcua.stack.core.types.builtin.QualifiedName;
import org.eclipse.milo.opcua.stack.core.types.builtin.StatusCode;
import org.eclipse.milo.opcua.stack.core.types.builtin.Variant;
import org.eclipse.milo.opcua.stack.core.types.builtin.unsigned.UInteger;
import org.eclipse.milo.opcua.stack.core.types.enumerated.BrowseDirection;
import org.eclipse.milo.opcua.stack.core.types.enumerated.FilterOperator;
import org.eclipse.milo.opcua.stack.core.types.enumerated.TimestampsToReturn;
import org.eclipse.milo.opcua.stack.core.types.structured.BrowseDescription;
import org.eclipse.milo.opcua.stack.core.types.structured.CallMethodRequest;
import org.eclipse.milo.opcua.stack.core.types.structured.ContentFilter;
import org.eclipse.milo.opcua.stack.core.types.structured.ContentFilterElement;
import org.eclipse.milo.opcua.stack.core.types.structured.EventFilter;
import org.eclipse.milo.opcua.stack.core.types.structured.LiteralOperand;
import org.eclipse.milo.opcua.stack.core.types.structured.ReferenceDescription;
import org.eclipse.milo.opcua.stack.core.types.structured.RelativePath;
import org.eclipse.milo.opcua.stack.core.types.structured.SimpleAttributeOperand;

public class Client {
  private static final String ISA95 = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/";
  private static final int RUNNING = 3;
  private static final int STATUS_EVENT = 1006;
  private static final int RESUME_OF_TYPE = 7008;
  private static final int SECONDS = 5;

  private final OpcUaClient client;
  private final int isa95;
  private final NodeId receiver;
  private final NodeId provider;
  private final NodeId list;
  private final NodeId pause;

  private Client(OpcUaClient client) throws Exception {
    this.client = client;
    isa95 = client.getNamespaceTable().getIndex(ISA95).intValue();
    NodeId management = below(NodeIds.ObjectsFolder, "JobManagement");
    receiver = below(management, "JobOrderControl");
    provider = below(management, "JobOrderResults");
    list = below(receiver, "JobOrderList");
    pause = below(receiver, "Pause");
  }

  private NodeId below(NodeId parent, String name) throws Exception {
    UInteger all = UInteger.valueOf(0);
    BrowseDescription wish =
        new BrowseDescription(
            parent,
            BrowseDirection.Forward,
            NodeIds.HierarchicalReferences,
            true,
            all,
            UInteger.valueOf(63));
    for (ReferenceDescription each : client.browse(wish).getReferences()) {
      if (name.equals(each.getBrowseName().name())) {
        return each.getNodeId().toNodeId(client.getNamespaceTable()).orElseThrow();
      }
    }
    throw new IllegalStateException("no " + name);
  }

  private Map<String, Object> members(Object structure) throws Exception {
    Object decoded =
        structure instanceof ExtensionObject encoded
            ? encoded.decode(client.getDynamicEncodingContext())
            : structure;
    return ((DynamicStructType) decoded).getMembers();
  }

  private Object value(NodeId node) throws Exception {
    return client.readValue(0, TimestampsToReturn.Both, node).getValue().getValue();
  }

  // The entry of a job in the list; of the first that runs, if no job is named.
  private Map<String, Object> entry(String job) throws Exception {
    for (ExtensionObject each : (ExtensionObject[]) value(list)) {
      Map<String, Object> entry = members(each);
      Object first = ((Object[]) entry.get("State"))[0];
      boolean runs = ((UInteger) members(first).get("StateNumber")).intValue() == RUNNING;
      if (job == null ? runs : job.equals(members(entry.get("JobOrder")).get("JobOrderID"))) {
        return entry;
      }
    }
    throw new IllegalStateException("no such job");
  }

  // Each state as the name of its machine, if it is a substate, its text and its number.
  private List<Object> states(Object[] states) throws Exception {
    List<Object> told = new ArrayList<>();
    for (Object each : states) {
      Map<String, Object> state = members(each);
      List<Object> path =
          Arrays.stream(((RelativePath) state.get("BrowsePath")).getElements())
              .map(step -> (Object) step.getTargetName().name())
              .collect(Collectors.toList());
      LocalizedText text = (LocalizedText) state.get("StateText");
      told.add(List.of(path, text.text(), state.get("StateNumber")));
    }
    return told;
  }

  private Map<String, Object> call(NodeId object, NodeId method, Object... arguments) throws Exception {
    Variant[] inputs = Arrays.stream(arguments).map(Variant::new).toArray(Variant[]::new);
    var result = client.call(List.of(new CallMethodRequest(object, method, inputs))).getResults()[0];
    Variant[] outputs = result.getOutputArguments();
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("status", name(result.getStatusCode()));
    told.put("arguments", Arrays.stream(result.getInputArgumentResults()).map(Client::name).toList());
    told.put("returned", outputs == null || outputs.length == 0 ? null : outputs[0].getValue());
    return told;
  }

  private static String name(StatusCode status) {
    String[] known = org.eclipse.milo.opcua.stack.core.StatusCodes.lookup(status.value()).orElseThrow();
    return known[0].replace("_", "");
  }

  // Events of the standard's type or a subtype, from the provider of job responses.
  private BlockingQueue<Variant[]> listen() throws Exception {
    NodeId type = new NodeId(isa95, STATUS_EVENT);
    SimpleAttributeOperand[] fields =
        Arrays.stream(new String[] {"JobOrder", "JobState", "JobResponse"})
            .map(field -> new QualifiedName[] {new QualifiedName(isa95, field)})
            .map(path -> new SimpleAttributeOperand(type, path, AttributeId.Value.uid(), null))
            .toArray(SimpleAttributeOperand[]::new);
    ExtensionObject literal =
        ExtensionObject.encode(client.getStaticEncodingContext(), new LiteralOperand(new Variant(type)));
    ContentFilterElement ofType =
        new ContentFilterElement(FilterOperator.OfType, new ExtensionObject[] {literal});
    ContentFilter where = new ContentFilter(new ContentFilterElement[] {ofType});
    BlockingQueue<Variant[]> events = new LinkedBlockingQueue<>();
    OpcUaSubscription subscription = new OpcUaSubscription(client, 20.0);
    subscription.create();
    OpcUaMonitoredItem item = OpcUaMonitoredItem.newEventItem(provider, new EventFilter(fields, where));
    item.setEventValueListener((monitored, values) -> events.add(values));
    subscription.addMonitoredItem(item);
    subscription.synchronizeMonitoredItems();
    return events;
  }

  private Map<String, Object> next(BlockingQueue<Variant[]> events) throws Exception {
    Variant[] fields = events.poll(SECONDS, TimeUnit.SECONDS);
    if (fields == null) {
      throw new IllegalStateException("an event did not come");
    }
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("job", members(fields[0].getValue()).get("JobOrderID"));
    told.put("state", states((Object[]) fields[1].getValue()));
    told.put("response", members(fields[2].getValue()).get("JobOrderID"));
    return told;
  }

  private Map<String, Object> order(Map<String, Object> entry) throws Exception {
    Map<String, Object> order = members(entry.get("JobOrder"));
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("workMasters", ids(order.get("WorkMasterID")));
    told.put("equipment", ids(order.get("EquipmentRequirements")));
    told.put("parameters", ids(order.get("JobOrderParameters")));
    told.put("start", ((DateTime) order.get("StartTime")).getJavaInstant());
    told.put("end", ((DateTime) order.get("EndTime")).getJavaInstant());
    return told;
  }

  private List<Object> ids(Object structures) throws Exception {
    List<Object> found = new ArrayList<>();
    for (Object each : (Object[]) structures) {
      found.add(members(each).get("ID"));
    }
    return found;
  }

  private Map<String, Object> refusals(String job) throws Exception {
    NodeId nothing = new NodeId(1, "nothing");
    LocalizedText[] none = {};
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("another object", call(provider, pause, job, none));
    told.put("no object", call(nothing, pause, job, none));
    told.put("no method", call(receiver, nothing, job, none));
    told.put("too few", call(receiver, pause, job));
    told.put("too many", call(receiver, pause, job, none, none));
    told.put("a wrong type", call(receiver, pause, 7, none));
    told.put("an unknown job", call(receiver, pause, "nobody's", none));
    return told;
  }

  private Map<String, Object> use() throws Exception {
    BlockingQueue<Variant[]> events = listen();
    Map<String, Object> entry = entry(null);
    String job = (String) members(entry.get("JobOrder")).get("JobOrderID");
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("job", job);
    told.put("order", order(entry));
    told.put("paused", call(receiver, pause, job, new LocalizedText[] {LocalizedText.english("held")}));
    told.put("whilePaused", states((Object[]) entry(job).get("State")));
    told.put("resumed", call(receiver, new NodeId(isa95, RESUME_OF_TYPE), job, new LocalizedText[] {}));
    told.put("afterResume", states((Object[]) entry(job).get("State")));
    told.put("events", List.of(next(events), next(events)));
    told.put("refused", refusals(job));
    return told;
  }

  private static String json(Object value) {
    if (value == null || value instanceof Number) {
      return String.valueOf(value);
    }
    if (value instanceof Map<?, ?> map) {
      return map.entrySet().stream()
          .map(each -> json(each.getKey()) + ":" + json(each.getValue()))
          .collect(Collectors.joining(",", "{", "}"));
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Client::json).collect(Collectors.joining(",", "[", "]"));
    }
    return '"' + value.toString().replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  public static void main(String[] arguments) {
    // Threads of the library outlive this one.
    int code = 0;
    try {
      OpcUaClient client = OpcUaClient.create(arguments[0]);
      client.connect();
      System.out.println(json(new Client(client).use()));
      client.disconnect();
    } catch (Exception error) {
      error.printStackTrace();
      code = 1;
    }
    System.exit(code);
  }
}
